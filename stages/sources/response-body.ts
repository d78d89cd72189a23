import { type Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ImportError } from "../../pipeline/errors.ts";
import { connectionFault } from "../connection-errors.ts";

/** How a body is read. */
export interface BodyOptions {
  /** For messages. */
  readonly name: string;
  readonly signal: AbortSignal;
  /** How long the server may be silent while bytes are wanted. */
  readonly idleTimeoutMs: number;
}

/** One write is one chunk of the socket; buffering in between would only add memory. */
const SINK_BYTES = 65_536;

/**
 * Reads `body` into `into` from `offset` on, until it is full. Returns the number of bytes that came and, when they are
 * too few because the body ended or broke off, why (SOURCE_UNAVAILABLE): the caller asks for the rest. Throws SOURCE_UNSUITABLE when more comes than fits,
 * and the signal's reason. The body is closed in every ending.
 */
export async function readInto(
  body: Readable,
  into: Uint8Array,
  offset: number,
  options: BodyOptions,
): Promise<{ readonly count: number; readonly fault: ImportError | undefined }> {
  const { name, signal, idleTimeoutMs } = options;
  let at = offset;
  const timer = setTimeout(() => body.destroy(stalled(name, idleTimeoutMs)), idleTimeoutMs);
  const sink = new Writable({
    highWaterMark: SINK_BYTES,
    write(chunk: Uint8Array, _encoding, done) {
      timer.refresh();
      if (at + chunk.byteLength > into.byteLength) return done(tooLong(name));
      into.set(chunk, at);
      at += chunk.byteLength;
      done();
    },
  });
  try {
    // A Writable, and not `for await`: the body flows at its own pace, which was 1.4 times as fast at 64 KiB a chunk.
    await pipeline(body, sink, { signal });
    const missing = into.byteLength - at;
    return { count: at - offset, fault: missing === 0 ? undefined : bodyFault(undefined, name) };
  } catch (error) {
    signal.throwIfAborted();
    const fault = bodyFault(error, name);
    if (!fault.retryable) throw fault;
    return { count: at - offset, fault };
  } finally {
    clearTimeout(timer);
  }
}

/** The chunks of `body` as they come, each waited for no longer than the idle timeout; closes it in every ending. */
export async function* chunksOf(
  body: Readable,
  options: BodyOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const { name, signal, idleTimeoutMs } = options;
  const timer = setTimeout(() => waiting && body.destroy(stalled(name, idleTimeoutMs)), idleTimeoutMs);
  let waiting = true;
  const abort = () => body.destroy(new Error("aborted"));
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      // A slow consumer is no silent server: the time is counted only while a chunk is wanted.
      waiting = false;
      yield chunk;
      waiting = true;
      timer.refresh();
    }
  } catch (error) {
    signal.throwIfAborted();
    throw bodyFault(error, name);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    body.destroy();
  }
}

/** That the server stayed silent. */
export function stalled(name: string, idleTimeoutMs: number): ImportError {
  return new ImportError(
    "SOURCE_UNAVAILABLE",
    `Cannot read "${name}" as the server was silent for ${idleTimeoutMs / 1000} s`,
    { remedy: "Check the network and the server, or allow a longer silence" },
  );
}

function tooLong(name: string): ImportError {
  return new ImportError(
    "SOURCE_UNSUITABLE",
    `Cannot read "${name}" as the server sends more than was asked for`,
    {
      remedy: "Ask the operator of the server, or download the file by other means first",
    },
  );
}

function bodyFault(error: unknown, name: string): ImportError {
  if (error instanceof ImportError) return error;
  const reason = connectionFault(error)?.reason ?? "the answer broke off";
  return new ImportError("SOURCE_UNAVAILABLE", `Cannot read "${name}" as ${reason}`, {
    cause: error,
    remedy: "Check the network and the server, then try again",
  });
}
