import type { Blocks, Context } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";

/**
 * The bytes `[offset, offset + lengthBytes)` of a disk, fewer where it ends before; undefined where it starts outside
 * the disk, or where reading so far in is unsuitable for this source, as for the beginning of a compressed stream.
 */
export async function peek(
  blocks: Blocks,
  offset: number,
  lengthBytes: number,
  context: Context,
): Promise<Buffer | undefined> {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset >= blocks.sizeBytes) return undefined;
  const bytes = Buffer.alloc(Math.min(lengthBytes, blocks.sizeBytes - offset));
  try {
    await blocks.read(offset, bytes, context);
  } catch (error) {
    if (error instanceof ImportError && error.code === "SOURCE_UNSUITABLE") return undefined;
    throw error;
  }
  return bytes;
}
