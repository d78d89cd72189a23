import type { Writable } from "node:stream";
import type { Context, Destination, Draft } from "../../pipeline/contract.ts";
import { writing } from "./write-error.ts";

/**
 * A stream that is open already, such as standard output. What is written is visible at once and cannot be taken back:
 * only the exit status tells its reader whether it is whole. The stream is not ended.
 * Throws DESTINATION_UNAVAILABLE when the reader goes away.
 */
export function streamDestination(writable: Writable, name: string): Destination {
  return { name, open: (context) => Promise.resolve(streamDraft(writable, name, context)) };
}

function streamDraft(writable: Writable, name: string, context: Context): Draft {
  let sizeBytes = 0;
  // A broken pipe fails the write and then also comes as an event, which without a listener would end the process.
  writable.on("error", ignore);
  return {
    async write(bytes) {
      for await (const chunk of bytes) {
        await writing(name, () => writeChunk(writable, chunk, context.signal));
        sizeBytes += chunk.byteLength;
      }
    },
    commit: () => Promise.resolve({ name, sizeBytes }),
    [Symbol.asyncDispose]() {
      writable.off("error", ignore);
      return Promise.resolve();
    },
  };
}

function ignore(): void {}

/** Resolves when the stream is done with the chunk, so that one chunk at a time is on its way. */
async function writeChunk(writable: Writable, chunk: Uint8Array, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    writable.write(chunk, (error) => (error ? reject(error) : resolve()));
    await promise;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
