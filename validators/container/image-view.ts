import type { Blocks, Context } from "../../pipeline/contract.ts";

/** What an inspection may read of one image: enough for all tables of a usual one, and little of a hostile one. */
export const MAX_INSPECTION_BYTES = 1024 * 1024;

/** Tables that are spread over an image cost a seek, or a request, each. */
export const MAX_INSPECTION_READS = 64;

/** The beginning that every inspection reads: up to the volume descriptor of ISO 9660 at 32 KiB. */
export const HEAD_BYTES = 36 * 1024;

/** The footer that is all a fixed VHD has, and the trailer of an Apple disk image. */
export const TAIL_BYTES = 512;

/** An image for a few bounded reads: of everything, or of the beginning of a stream. */
export interface ImageView {
  /** The first {@link HEAD_BYTES}, fewer where the image ends before. */
  readonly head: Buffer;
  /** The last {@link TAIL_BYTES}; absent where the end cannot be looked at, or the image is shorter. */
  readonly tail?: Buffer;
  /** Absent for the beginning of a stream whose length nobody told. */
  readonly sizeBytes?: number;
  /** Up to `lengthBytes` bytes from `offset`: fewer where the image, what is at hand or the bound on reading ends; owned by the caller. */
  read(offset: number, lengthBytes: number): Promise<Buffer>;
  /** How much was read so far. */
  readBytes(): number;
}

/**
 * Looks at Blocks: at most {@link MAX_INSPECTION_BYTES} in {@link MAX_INSPECTION_READS} reads, the rest is treated as not
 * at hand. Throws what `blocks` throws.
 */
export async function blocksView(blocks: Blocks, context: Context): Promise<ImageView> {
  const { sizeBytes } = blocks;
  let leftBytes = MAX_INSPECTION_BYTES;
  let leftReads = MAX_INSPECTION_READS;
  async function read(offset: number, lengthBytes: number): Promise<Buffer> {
    if (!Number.isSafeInteger(offset) || offset < 0 || offset >= sizeBytes || leftReads === 0) {
      return Buffer.alloc(0);
    }
    const bytes = Buffer.alloc(lengthBytes > 0 ? Math.min(lengthBytes, sizeBytes - offset, leftBytes) : 0);
    if (bytes.byteLength === 0) return bytes;
    leftBytes -= bytes.byteLength;
    leftReads--;
    await blocks.read(offset, bytes, context);
    return bytes;
  }
  const head = await read(0, HEAD_BYTES);
  const tail =
    sizeBytes < TAIL_BYTES
      ? undefined
      : sizeBytes <= head.byteLength
        ? head.subarray(sizeBytes - TAIL_BYTES)
        : await read(sizeBytes - TAIL_BYTES, TAIL_BYTES);
  return {
    head,
    sizeBytes,
    ...(tail === undefined ? {} : { tail }),
    read: async (offset, lengthBytes) =>
      Number.isSafeInteger(offset) && offset >= 0 && offset + lengthBytes <= head.byteLength
        ? Buffer.from(head.subarray(offset, offset + lengthBytes))
        : await read(offset, lengthBytes),
    readBytes: () => MAX_INSPECTION_BYTES - leftBytes,
  };
}

/** Looks at the beginning of a stream. `sizeBytes` is the length of the whole, where it is known. */
export function prefixView(prefix: Uint8Array, sizeBytes?: number): ImageView {
  const bytes = Buffer.from(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  const isWhole = sizeBytes === bytes.byteLength && sizeBytes >= TAIL_BYTES;
  return {
    head: bytes.subarray(0, HEAD_BYTES),
    ...(isWhole ? { tail: bytes.subarray(-TAIL_BYTES) } : {}),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    read: (offset, lengthBytes) =>
      Promise.resolve(Buffer.from(bytes.subarray(Math.max(offset, 0), Math.max(offset + lengthBytes, 0)))),
    readBytes: () => bytes.byteLength,
  };
}
