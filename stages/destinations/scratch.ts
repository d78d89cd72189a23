import { open } from "node:fs/promises";
import type { Bytes, Destination, Draft, Receipt, ScratchFile } from "../../pipeline/contract.ts";
import { ImportError, systemCode } from "../../pipeline/errors.ts";
import { writeSparse } from "./sparse-writer.ts";

/** Content of unknown size is counted in steps of this: coarse enough to ask the file system seldom. */
const COUNT_BYTES = 16 * 1024 * 1024;

/**
 * A reserved scratch file, written sparse and never flushed: it lasts no longer than the run. The reservation grows
 * with the content. Throws SCRATCH_EXCEEDED beyond the limit, or when the file system is full earlier than it said.
 */
export function scratchDestination(file: ScratchFile): Destination {
  return {
    name: "scratch",
    async open(context): Promise<Draft> {
      const handle = await open(file.path, "wx", 0o600);
      let sizeBytes = 0;
      return {
        async write(bytes) {
          try {
            const options = { name: "scratch", zeroes: "skip", flushBytes: Infinity } as const;
            sizeBytes = await writeSparse(handle, reserving(bytes, file), context, options);
            await handle.truncate(sizeBytes);
          } catch (error) {
            if (!isFull(error)) throw error;
            throw new ImportError(
              "SCRATCH_EXCEEDED",
              "Cannot store the image in scratch as the file system is full",
              {
                cause: error,
                remedy: "Name a folder on a larger file system with --scratch-dir",
              },
            );
          }
        },
        commit: (): Promise<Receipt> => Promise.resolve({ name: file.path, sizeBytes }),
        [Symbol.asyncDispose]: () => handle.close(),
      };
    },
  };
}

async function* reserving(bytes: Bytes, file: ScratchFile): Bytes {
  let seenBytes = 0;
  let countedBytes = 0;
  for await (const chunk of bytes) {
    seenBytes += chunk.byteLength;
    if (seenBytes > countedBytes) {
      await file.grow(seenBytes);
      countedBytes = seenBytes + COUNT_BYTES;
    }
    yield chunk;
  }
  await file.grow(seenBytes);
}

function isFull(error: unknown): boolean {
  return (
    (error instanceof ImportError && error.code === "DESTINATION_FULL") || systemCode(error) === "ENOSPC"
  );
}
