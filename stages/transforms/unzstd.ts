import type { Transform } from "node:stream";
import * as zlib from "node:zlib";
import type { Bytes, Context } from "../../pipeline/contract.ts";
import { byteReader, type ByteReader } from "../byte-reader.ts";
import { ENGINE_CHUNK_BYTES, ENGINE_OPTIONS, decompressionFailed, runEngine } from "./engine.ts";
import { trailingData } from "../trailing-data.ts";
import {
  MAX_ZSTD_WINDOW_BYTES,
  ZSTD_MAGIC_BYTES,
  type ZstdFault,
  beginsFrame,
  zstdFrame,
} from "./zstd-frames.ts";

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
      // Looked at before an engine sees it, as engines call any wrong beginning damage.
      const magic = await reader.take(ZSTD_MAGIC_BYTES);
      if (magic.byteLength === 0 && frameCount > 0) return;
      reader.unread(magic);
      if (!beginsFrame(magic)) {
        if (frameCount > 0) throw trailingData("zstd", reader.position);
        throw decompressionFailed(
          "zstd",
          magic.byteLength === 0 ? "it is empty" : "it does not begin a frame",
        );
      }
      const frame = byteReader(frameBytes(reader, engine.maxPieceBytes));
      yield* runEngine({ stream: await engine.create() }, frame, "zstd", context);
    }
  } finally {
    await reader.close();
  }
}

const REASONS: Readonly<Record<ZstdFault, string>> = {
  "reserved block type": "it is damaged",
  "window too large": `its window is larger than ${MAX_ZSTD_WINDOW_BYTES} bytes`,
};

/** The bytes of one frame, its end included; what follows stays in `reader`. */
async function* frameBytes(reader: ByteReader, maxPieceBytes: number): Bytes {
  const frame = zstdFrame();
  while (!frame.ended) {
    const chunk = await reader.next(maxPieceBytes);
    if (chunk === undefined) throw decompressionFailed("zstd", "it ends early");
    const usedBytes = frame.advance(chunk);
    if (frame.fault !== undefined) throw decompressionFailed("zstd", REASONS[frame.fault]);
    if (usedBytes < chunk.byteLength) reader.unread(chunk.subarray(usedBytes));
    yield chunk.subarray(0, usedBytes);
  }
}
