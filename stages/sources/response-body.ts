import type { Readable } from "node:stream";
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

/** What one answer brought of a piece. */
export interface Catch {
  readonly chunks: readonly Uint8Array[];
  readonly byteCount: number;
  /** SOURCE_UNAVAILABLE when the body ended or broke off before all of it had come. */
  readonly fault: ImportError | undefined;
}

/**
 * Holds the `length` bytes of `body` as the socket gave them, without copying. What is missing in the end is for the
 * caller to ask for. Throws SOURCE_UNSUITABLE when more comes, and the signal's reason. The body is closed in every ending.
 */
export async function readAll(body: Readable, length: number, options: BodyOptions): Promise<Catch> {
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  try {
    for await (const chunk of chunksOf(body, options)) {
      byteCount += chunk.byteLength;
      if (byteCount > length) throw tooLong(options.name);
      chunks.push(chunk);
    }
  } catch (error) {
    if (!(error instanceof ImportError) || !error.retryable) throw error;
    return { chunks, byteCount, fault: error };
  }
  return { chunks, byteCount, fault: byteCount === length ? undefined : bodyFault(undefined, options.name) };
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

/** That more came than was asked for. */
export function tooLong(name: string): ImportError {
  return new ImportError(
    "SOURCE_UNSUITABLE",
    `Cannot read "${name}" as the server sends more than was asked for`,
    {
      remedy: "Ask the operator of the server, or download the file by other means first",
    },
  );
}

/** What a body that broke off is about; without an error, one that ended early. */
export function bodyFault(error: unknown, name: string): ImportError {
  if (error instanceof ImportError) return error;
  const reason = connectionFault(error)?.reason ?? "the answer broke off";
  return new ImportError("SOURCE_UNAVAILABLE", `Cannot read "${name}" as ${reason}`, {
    cause: error,
    remedy: "Check the network and the server, then try again",
  });
}
