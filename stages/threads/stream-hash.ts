import { createHash } from "node:crypto";
import { once } from "node:events";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { Context } from "../../pipeline/contract.ts";
import type { HashMessage, HashAlgorithm } from "../../pipeline/thread-tasks.ts";
import { isZero } from "../../pipeline/zero.ts";

/** What travels to the thread at a time: few messages a second, and it stays in the processor's cache. */
const PIECE_BYTES = 1024 * 1024;

/** One is filled, one is hashed, one waits. */
const PIECE_COUNT = 3;

/** A digest over bytes in order. Disposing ends its thread's work; what was hashed is then forgotten. */
export interface StreamHash extends AsyncDisposable {
  /** Takes the next bytes; copies what it needs. A promise means that it has no room until that resolves. */
  update(chunk: Uint8Array): Promise<void> | undefined;
  /** Lower-case hex. Called once. */
  digest(): Promise<string>;
}

/**
 * A digest that is computed in a thread of its own, where the pool can spare one, so that whoever passes the bytes on is
 * not held up: SHA-1 of a whole disk takes half as long as inflating it. Zeroes are told, not sent. Throws as the thread.
 */
export function streamHash(algorithm: HashAlgorithm, context: Context): StreamHash {
  return context.threads.hasSpare ? hashInThread(algorithm, context) : hashHere(algorithm);
}

function hashHere(algorithm: HashAlgorithm): StreamHash {
  const hash = createHash(algorithm);
  return {
    update(chunk) {
      hash.update(chunk);
      return undefined;
    },
    digest: () => Promise.resolve(hash.digest("hex")),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function hashInThread(algorithm: HashAlgorithm, context: Context): StreamHash {
  const { port1: port, port2 } = new MessageChannel();
  const result = context.threads.run("hashStream", { port: port2, algorithm }, context.signal);
  result.catch(() => undefined); // whoever awaits it sees the error; it must not count as unhandled until then
  const free = Array.from({ length: PIECE_COUNT }, () => new SharedArrayBuffer(PIECE_BYTES));
  port.on("message", (memory: SharedArrayBuffer) => free.push(memory));
  let piece: Uint8Array<SharedArrayBuffer> | undefined;
  let filledBytes = 0;

  function flush(): void {
    if (piece === undefined) return;
    send(port, { kind: "data", memory: piece.buffer, lengthBytes: filledBytes });
    piece = undefined;
    filledBytes = 0;
  }

  /** A piece with room; a thread that fails gives none back, and its error is what is thrown then. */
  async function nextPiece(): Promise<Uint8Array<SharedArrayBuffer>> {
    for (;;) {
      const memory = free.pop();
      if (memory !== undefined) return new Uint8Array(memory);
      await Promise.race([once(port, "message", { signal: context.signal }), result]);
    }
  }

  async function take(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.byteLength;) at += fill(chunk.subarray(at), (piece ??= await nextPiece()));
  }

  function fill(chunk: Uint8Array, into: Uint8Array): number {
    const taken = chunk.subarray(0, PIECE_BYTES - filledBytes);
    into.set(taken, filledBytes);
    filledBytes += taken.byteLength;
    if (filledBytes === PIECE_BYTES) flush();
    return taken.byteLength;
  }

  return {
    update(chunk) {
      if (!isZero(chunk)) return take(chunk);
      flush();
      send(port, { kind: "zeroes", lengthBytes: chunk.byteLength });
      return undefined;
    },
    async digest() {
      flush();
      send(port, { kind: "end" });
      return await result;
    },
    async [Symbol.asyncDispose]() {
      port.close();
      await result.catch(() => undefined); // whoever asked for the digest has seen the error
    },
  };
}

function send(port: MessagePort, message: HashMessage): void {
  port.postMessage(message);
}
