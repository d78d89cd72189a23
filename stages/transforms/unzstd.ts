import type { Transform } from "node:stream";
import * as zlib from "node:zlib";
import type { Bytes, Context } from "../../pipeline/contract.ts";
import { byteReader, type ByteReader } from "../byte-reader.ts";
import { ENGINE_CHUNK_BYTES, ENGINE_OPTIONS, decompressionFailed, runEngine } from "./engine.ts";
import { trailingData } from "../trailing-data.ts";
import { MAX_ZSTD_WINDOW_BYTES, type ZstdFault, zstdFrame } from "./zstd-frames.ts";

/** Makes a decoder for one frame. */
export interface ZstdEngine {
  readonly name: string;
  /** Input is handed over in pieces no larger than this. */
  readonly maxPieceBytes: number;
  create(): Promise<Transform>;
}

/** The decoder of node:zlib, or undefined in a Node that has none (before 22.15). */
export function nativeZstd(): ZstdEngine | undefined {
  // Looked up by name: a named import of what is missing would not even load.
  if (!("createZstdDecompress" in zlib)) return undefined;
  return {
    name: "node:zlib",
    maxPieceBytes: ENGINE_CHUNK_BYTES,
    async create() {
      return zlib.createZstdDecompress(ENGINE_OPTIONS);
    },
  };
}

/**
 * Decompresses Zstandard frames, skippable ones passed over, until the input ends. Where frames end is found by
 * `zstd-frames.ts` and not by the decoder. Throws DECOMPRESSION_FAILED, also for a window larger than
 * {@link MAX_ZSTD_WINDOW_BYTES}, and TRAILING_DATA.
 */
export async function* unzstd(input: Bytes, context: Context, engine: ZstdEngine): Bytes {
  const reader = byteReader(input);
  try {
    for (let frameCount = 0; ; frameCount++) {
      const first = await reader.next();
      if (first === undefined) {
        if (frameCount > 0) return;
        throw decompressionFailed("zstd", "it is empty");
      }
      reader.unread(first);
      const frame = byteReader(frameBytes(reader, engine.maxPieceBytes, frameCount === 0));
      yield* runEngine({ stream: await engine.create() }, frame, "zstd", context);
    }
  } finally {
    await reader.close();
  }
}

const REASONS: Readonly<Record<ZstdFault, string>> = {
  "not a frame": "it does not begin a frame",
  "reserved block type": "it is damaged",
  "window too large": `its window is larger than ${MAX_ZSTD_WINDOW_BYTES} bytes`,
};

/** The bytes of one frame, its end included; what follows stays in `reader`. Nothing for a skippable frame. */
async function* frameBytes(reader: ByteReader, maxPieceBytes: number, isFirst: boolean): Bytes {
  const frame = zstdFrame();
  const start = reader.position;
  while (!frame.ended) {
    const chunk = await reader.next(maxPieceBytes);
    if (chunk === undefined) throw decompressionFailed("zstd", "it ends early");
    const usedBytes = frame.advance(chunk);
    if (frame.fault === "not a frame" && !isFirst) throw trailingData("zstd", start);
    if (frame.fault !== undefined) throw decompressionFailed("zstd", REASONS[frame.fault]);
    if (usedBytes < chunk.byteLength) reader.unread(chunk.subarray(usedBytes));
    yield chunk.subarray(0, usedBytes);
  }
}
