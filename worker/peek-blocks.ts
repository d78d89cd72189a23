import type { Blocks, Context, Source } from "../pipeline/contract.ts";
import { ImportError } from "../pipeline/errors.ts";
import { firstBytes } from "./head.ts";

/**
 * The beginning of a disk as Blocks, for looking at what stands there. Reading past the beginning at hand throws
 * SOURCE_UNSUITABLE.
 */
export function prefixBlocks(name: string, prefix: Uint8Array, sizeBytes: number): Blocks {
  return {
    name,
    sizeBytes,
    read(offset, into) {
      if (offset + into.byteLength > prefix.byteLength) {
        return Promise.reject(
          new ImportError(
            "SOURCE_UNSUITABLE",
            `Cannot look at byte ${offset} of "${name}" without unwrapping all before it`,
            {
              remedy: "Convert it first, and inspect the result",
            },
          ),
        );
      }
      into.set(prefix.subarray(offset, offset + into.byteLength));
      return Promise.resolve();
    },
    async *extents(offset, length) {
      yield { offset, length, kind: "data" };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** A seekable source as Blocks for a few small reads: each one asks anew, but for what lies in `head`, its beginning. */
export function seekingBlocks(
  source: Source,
  sizeBytes: number,
  head: Uint8Array = new Uint8Array(),
): Blocks {
  return {
    name: source.name,
    sizeBytes,
    async read(offset: number, into: Uint8Array, context: Context) {
      if (offset + into.byteLength <= head.byteLength) {
        into.set(head.subarray(offset, offset + into.byteLength));
        return;
      }
      const bytes = await firstBytes(source.bytes(context, offset), into.byteLength);
      if (bytes.byteLength < into.byteLength) {
        throw new ImportError(
          "SOURCE_TRUNCATED",
          `Cannot read ${into.byteLength} bytes at ${offset} of "${source.name}": it ends at ${offset + bytes.byteLength}`,
          { remedy: "Fetch the image again from where it came" },
        );
      }
      into.set(bytes);
    },
    async *extents(offset, length) {
      yield { offset, length, kind: "data" };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
