import { createGunzip } from "node:zlib";
import type { Bytes, Context } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { isZero } from "../../pipeline/zero.ts";
import { byteReader } from "../byte-reader.ts";
import { ENGINE_OPTIONS, decompressionFailed, runEngine } from "./engine.ts";
import { trailingData } from "../trailing-data.ts";

/** What zlib says of bytes that begin no gzip member; its words, unchanged since 1995, are all it gives. */
const NO_HEADER = "incorrect header check";

/**
 * Inflates gzip members until the input ends; zero bytes may follow the last one, as tapes and block devices leave
 * them (gzip(1) ignores them too). Throws DECOMPRESSION_FAILED, TRAILING_DATA.
 */
export async function* gunzip(input: Bytes, context: Context): Bytes {
  const reader = byteReader(input);
  const stream = createGunzip(ENGINE_OPTIONS);
  const engine = { stream, usedBytes: () => stream.bytesWritten };
  try {
    yield* runEngine(engine, reader, "gzip", context);
    if (reader.position === 0) throw decompressionFailed("gzip", "it is empty");
    for (let rest = await reader.next(); rest !== undefined; rest = await reader.next()) {
      if (!isZero(rest)) throw trailingData("gzip", reader.position - rest.byteLength);
    }
  } catch (error) {
    if (stream.bytesWritten > 0 && isNoHeader(error)) throw trailingData("gzip", stream.bytesWritten);
    throw error;
  } finally {
    await reader.close();
  }
}

function isNoHeader(error: unknown): boolean {
  if (!(error instanceof ImportError) || !(error.cause instanceof Error)) return false;
  return error.cause.message === NO_HEADER;
}
