import { promisify } from "node:util";
import { constants, crc32, deflateRaw } from "node:zlib";
import type { Bytes, Context, Stage } from "../pipeline/contract.ts";
import { isZero } from "../pipeline/zero.ts";
import { byteReader } from "./byte-reader.ts";

export interface GzipOptions {
  /** 1 (fast) to 9 (small). Default {@link DEFAULT_GZIP_LEVEL}. */
  readonly level?: number;
}

/** What gzip(1) and pigz take as well. */
export const DEFAULT_GZIP_LEVEL = 6;

/** Compressed at once; what is lost at a cut is a few bytes, as each block knows the 32 KiB before it. */
const BLOCK_BYTES = 1024 * 1024;

/** The window of deflate: how far back a match reaches (RFC 1951 section 2). */
const WINDOW_BYTES = 32 * 1024;

/** Blocks being compressed at a time: Node's own thread pool has 4 threads. */
const BLOCKS_IN_FLIGHT = 4;

/** RFC 1952 section 2.3: magic, deflate, no name, no time, written on an unknown system. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);

/** An empty final block (RFC 1951 section 3.2.4 with fixed codes). */
const FINAL_BLOCK = Uint8Array.of(3, 0);

const deflate = promisify<Uint8Array, NonNullable<Parameters<typeof deflateRaw>[1]>, Buffer>(deflateRaw);

/**
 * Compresses to one gzip member, blocks of 1 MiB side by side as pigz does: each ends on a byte boundary and takes the
 * end of the one before as its dictionary. One member and not one a block, as several readers of bundles (Java's
 * GZIPInputStream on a socket) stop at the end of the first. A block of zeros is compressed once in a lifetime.
 * Memory: {@link BLOCKS_IN_FLIGHT} blocks and what they become.
 */
export function gzip(options: GzipOptions = {}): Stage {
  const { level = DEFAULT_GZIP_LEVEL } = options;
  if (!Number.isInteger(level) || level < 1 || level > 9) {
    throw new RangeError(`A gzip level must be 1 to 9: current level is ${level}`);
  }
  return { name: "gzip", transform: (input, context) => compressed(input, level, context) };
}

async function* compressed(input: Bytes, level: number, { signal }: Context): Bytes {
  const reader = byteReader(input);
  const pending: Promise<Uint8Array>[] = [];
  let dictionary: Uint8Array = new Uint8Array();
  let zeroBlock: Promise<Uint8Array> | undefined;
  let checksum = 0;
  let sizeBytes = 0;

  function compress(block: Uint8Array): Promise<Uint8Array> {
    const isConstant = block.byteLength === BLOCK_BYTES && dictionary.byteLength === WINDOW_BYTES;
    if (isConstant && isZero(block) && isZero(dictionary))
      return (zeroBlock ??= deflateBlock(block, dictionary, level));
    return deflateBlock(block, dictionary, level);
  }

  try {
    yield HEADER;
    for (let ended = false; !ended || pending.length > 0;) {
      signal.throwIfAborted();
      while (!ended && pending.length < BLOCKS_IN_FLIGHT) {
        const block = await reader.take(BLOCK_BYTES);
        ended = block.byteLength < BLOCK_BYTES;
        checksum = crc32(block, checksum);
        sizeBytes += block.byteLength;
        const deflated = compress(block);
        deflated.catch(() => undefined); // seen when its turn comes; must not count as unhandled until then
        pending.push(deflated);
        dictionary = block.subarray(-WINDOW_BYTES);
      }
      const deflated = await pending.shift();
      if (deflated !== undefined && deflated.byteLength > 0) yield deflated;
    }
    yield trailer(checksum, sizeBytes);
  } finally {
    await Promise.allSettled(pending);
    await reader.close();
  }
}

async function deflateBlock(block: Uint8Array, dictionary: Uint8Array, level: number): Promise<Uint8Array> {
  if (block.byteLength === 0) return block;
  return deflate(block, {
    level,
    ...(dictionary.byteLength === 0 ? {} : { dictionary }),
    finishFlush: constants.Z_SYNC_FLUSH,
    chunkSize: BLOCK_BYTES,
  });
}

function trailer(checksum: number, sizeBytes: number): Uint8Array {
  const bytes = Buffer.alloc(FINAL_BLOCK.byteLength + 8);
  bytes.set(FINAL_BLOCK);
  bytes.writeUInt32LE(checksum, FINAL_BLOCK.byteLength);
  bytes.writeUInt32LE(sizeBytes % 2 ** 32, FINAL_BLOCK.byteLength + 4);
  return bytes;
}
