import type { Bytes, Context } from "../../pipeline/contract.ts";
import { isZero } from "../../pipeline/zero.ts";
import { type BitReader, bitReader } from "./bit-reader.ts";
import { type ByteReader, byteReader } from "../byte-reader.ts";
import { readBlock } from "./bzip2-block.ts";
import { decompressionFailed } from "./engine.ts";
import { trailingData } from "../trailing-data.ts";

/** More than the largest block takes: 900,000 symbols of at most 20 bits, and its tables. */
const BLOCK_INPUT_BYTES = 2.5 * 1024 * 1024;

const OUTPUT_BYTES = 1024 * 1024;

/** "BZh", and the digits of pi and of its square root that begin a block and end a stream (bzip2 1.0.8). */
const STREAM_MAGIC = 0x425a68;
const BLOCK_MAGIC = [0x314159, 0x265359] as const;
const END_MAGIC = [0x177245, 0x385090] as const;

/** Polynomial 0x04c11db7, most significant bit first: not the CRC of gzip, whose bits are reversed. */
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  return crc;
});

/**
 * Decompresses bzip2 streams, one after the other, until the input ends; zero bytes may follow. Checks the CRC of each
 * block and stream. Written here because the packages at hand hold a whole decoded block as an array of numbers: 46 MB
 * of zeros, as every empty disk has them, take hundreds of megabytes there, and 9 MiB here.
 * Runs in the main thread, a block between two turns of the event loop. Throws DECOMPRESSION_FAILED, TRAILING_DATA.
 */
export async function* bunzip2(input: Bytes, { signal }: Context): Bytes {
  const reader = byteReader(input);
  const window = blockWindow(reader);
  try {
    for (let streamCount = 0; await window.atStream(streamCount); streamCount++) {
      yield* streamText(window, signal);
    }
  } finally {
    await reader.close();
  }
}

async function* streamText(window: BlockWindow, signal: AbortSignal): Bytes {
  const { bits } = window;
  bits.skip(24);
  const level = bits.read(8) - 0x30;
  if (level < 1 || level > 9) throw decompressionFailed("bzip2", "its block size is none of 1 to 9");
  const sorted = new Uint32Array(level * 100_000);
  let streamCrc = 0;
  for (;;) {
    signal.throwIfAborted();
    await window.fill();
    const magic = [bits.read(24), bits.read(24)];
    const crc = (bits.read(16) << 16) | bits.read(16);
    if (magic[0] === END_MAGIC[0] && magic[1] === END_MAGIC[1]) {
      if (crc !== streamCrc) throw decompressionFailed("bzip2", "the checksum of a stream differs");
      bits.align();
      return window.checkEnd();
    }
    if (magic[0] !== BLOCK_MAGIC[0] || magic[1] !== BLOCK_MAGIC[1]) {
      throw decompressionFailed("bzip2", "it is damaged or ends early");
    }
    const block = readBlock(bits, sorted);
    window.checkEnd();
    streamCrc = ((streamCrc << 1) | (streamCrc >>> 31)) ^ crc;
    yield* blockText(sorted, block.lengthBytes, block.startAt, crc);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Undoes the Burrows-Wheeler transform and the first run-length layer; checks the CRC of the block. */
function* blockText(
  sorted: Uint32Array,
  lengthBytes: number,
  startAt: number,
  wantedCrc: number,
): Generator<Uint8Array> {
  linkRotations(sorted, lengthBytes);
  let crc = -1;
  let output = new Uint8Array(OUTPUT_BYTES);
  let at = 0;
  let repeats = 0;
  let last = -1;
  let place = (sorted[startAt] ?? 0) >>> 8;
  for (let left = lengthBytes; left > 0; left--) {
    const entry = sorted[place] ?? 0;
    const byte = entry & 0xff;
    place = entry >>> 8;
    // After four equal bytes the next one says how many more there are.
    let count = 1;
    let value = byte;
    if (repeats === 4) {
      count = byte;
      value = last;
      repeats = 0;
      last = -1;
    } else {
      repeats = byte === last ? repeats + 1 : 1;
      last = byte;
    }
    for (; count > 0; count--) {
      crc = (crc << 8) ^ (CRC_TABLE[(crc >>> 24) ^ value] ?? 0);
      output[at++] = value;
      if (at < OUTPUT_BYTES) continue;
      yield output;
      output = new Uint8Array(OUTPUT_BYTES);
      at = 0;
    }
  }
  if (~crc !== wantedCrc) throw decompressionFailed("bzip2", "the checksum of a block differs");
  if (at > 0) yield output.subarray(0, at);
}

/** Puts into the upper 24 bits of each entry where the next byte of the text is. */
function linkRotations(sorted: Uint32Array, lengthBytes: number): void {
  const starts = new Uint32Array(257);
  for (let at = 0; at < lengthBytes; at++) {
    const next = (sorted[at] ?? 0) + 1;
    starts[next] = (starts[next] ?? 0) + 1;
  }
  for (let byte = 1; byte < 257; byte++) starts[byte] = (starts[byte] ?? 0) + (starts[byte - 1] ?? 0);
  for (let at = 0; at < lengthBytes; at++) {
    const byte = (sorted[at] ?? 0) & 0xff;
    const row = starts[byte] ?? 0;
    starts[byte] = row + 1;
    sorted[row] = (sorted[row] ?? 0) | (at << 8);
  }
}

/** Compressed bytes of at least one whole block, so that a block is decoded without waiting in between. */
interface BlockWindow {
  readonly bits: BitReader;
  /** Tells whether another stream begins here. Throws TRAILING_DATA when anything else follows but zeros. */
  atStream(streamCount: number): Promise<boolean>;
  /** Makes sure of a whole block, or all that is left. */
  fill(): Promise<void>;
  /** Throws when bits past the end have been read. */
  checkEnd(): void;
}

function blockWindow(reader: ByteReader): BlockWindow {
  const bits = bitReader();
  let window: Uint8Array = new Uint8Array();
  let ended = false;

  async function fill(): Promise<void> {
    const { bytes, bits: usedBits } = bits.position;
    const chunks = [window.subarray(bytes)];
    let sizeBytes = window.byteLength - bytes;
    while (!ended && sizeBytes < BLOCK_INPUT_BYTES) {
      const chunk = await reader.next();
      if (chunk === undefined) ended = true;
      else chunks.push(chunk);
      sizeBytes += chunk?.byteLength ?? 0;
    }
    window = chunks.length === 1 ? (chunks[0] ?? window) : Buffer.concat(chunks);
    bits.reset(window, usedBits);
  }

  async function requireZeros(): Promise<void> {
    const position = reader.position - window.byteLength;
    for (let rest: Uint8Array | undefined = window; rest !== undefined; rest = await reader.next()) {
      if (!isZero(rest)) throw trailingData("bzip2", position);
    }
  }

  return {
    bits,
    fill,
    async atStream(streamCount) {
      await fill();
      if (bits.peek(24) === STREAM_MAGIC) return true;
      if (streamCount === 0) throw decompressionFailed("bzip2", "it does not begin with BZh");
      await requireZeros();
      return false;
    },
    checkEnd() {
      if (bits.usedBytes > window.byteLength) throw decompressionFailed("bzip2", "it ends early");
    },
  };
}
