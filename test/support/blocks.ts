import type { Blocks, Extent } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { isZero } from "../../pipeline/zero.ts";

/** Blocks over memory; extents are told on a grid of `grainBytes`, as an allocation map would. */
export function memoryBlocks(
  content: Uint8Array,
  options: { readonly grainBytes?: number; readonly name?: string } = {},
): Blocks & { readonly reads: { readonly offset: number; readonly length: number }[]; closed: boolean } {
  const { grainBytes = 4096, name = "memory" } = options;
  const reads: { offset: number; length: number }[] = [];
  return {
    name,
    sizeBytes: content.byteLength,
    reads,
    closed: false,
    async read(offset, into) {
      reads.push({ offset, length: into.byteLength });
      if (offset + into.byteLength > content.byteLength)
        throw new ImportError("SOURCE_TRUNCATED", "Cannot read past the end");
      into.set(content.subarray(offset, offset + into.byteLength));
    },
    async *extents(offset, length) {
      let run: Extent | undefined;
      for (let at = offset; at < offset + length;) {
        const end = Math.min(at + grainBytes - (at % grainBytes), offset + length);
        const kind = isZero(content.subarray(at, end)) ? "zero" : "data";
        if (run?.kind === kind) run = { ...run, length: run.length + end - at };
        else {
          if (run !== undefined) yield run;
          run = { offset: at, length: end - at, kind };
        }
        at = end;
      }
      if (run !== undefined) yield run;
    },
    async [Symbol.asyncDispose]() {
      this.closed = true;
    },
  };
}
