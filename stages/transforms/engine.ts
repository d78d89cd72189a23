import type { Transform, TransformOptions } from "node:stream";
import type { ZlibOptions } from "node:zlib";
import type { Bytes, Context } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import type { ByteReader } from "../byte-reader.ts";
import { collectYoungGarbage } from "../young-garbage.ts";

/** Output of one turn of a node:zlib engine: measured 795 MiB/s against 700 with 64 KiB, SHA-1 beside it. */
export const ENGINE_CHUNK_BYTES = 1024 * 1024;

/** Chunks that an engine may have ready, so that its thread works while the stages below do. */
export const ENGINE_CHUNKS_AHEAD = 4;

/** Output between two collections of the chunks that the stages below have dropped. */
const COLLECT_BYTES = 16 * 1024 * 1024;

/**
 * For every decoder of node:zlib, which hands the rest to its stream although its types do not say so. In object mode, as
 * a stream of bytes would join (and so copy) all the chunks that are ready whenever it is read.
 */
export const ENGINE_OPTIONS: Pick<ZlibOptions, "chunkSize"> &
  Pick<TransformOptions, "readableObjectMode" | "readableHighWaterMark"> = {
  chunkSize: ENGINE_CHUNK_BYTES,
  readableObjectMode: true,
  readableHighWaterMark: ENGINE_CHUNKS_AHEAD,
};

/** A decoder of Node's stream kind: node:zlib, which runs in Node's own threads, or one like it. */
export interface Engine {
  readonly stream: Transform;
  /** Input that the decoder has used, where it may end before its input does. */
  readonly usedBytes?: () => number;
}

/**
 * Runs `engine` over what `reader` gives until the engine has ended or the input has. What the engine did not want of
 * its last chunk is put back. Whatever the engine throws becomes DECOMPRESSION_FAILED; the input's errors pass.
 */
export async function* runEngine(engine: Engine, reader: ByteReader, kind: string, context: Context): Bytes {
  const { stream } = engine;
  let inputError: unknown;
  const feeding = feed(engine, reader).catch((error: unknown) => {
    inputError = error;
    stream.destroy(error instanceof Error ? error : undefined);
  });
  const abort = (): void => void stream.destroy();
  context.signal.addEventListener("abort", abort, { once: true });
  try {
    let uncollectedBytes = 0;
    for await (const chunk of stream) {
      yield chunk;
      uncollectedBytes += chunk.byteLength;
      if (uncollectedBytes < COLLECT_BYTES) continue;
      uncollectedBytes = 0;
      collectYoungGarbage();
    }
    await feeding;
  } catch (error) {
    context.signal.throwIfAborted();
    if (inputError !== undefined && error === inputError) throw error;
    throw decompressionFailed(kind, "it is damaged or ends early", error);
  } finally {
    context.signal.removeEventListener("abort", abort);
    stream.destroy();
    await feeding;
  }
}

/** One write at a time, so that what the engine used can be told for each chunk. */
async function feed({ stream, usedBytes }: Engine, reader: ByteReader): Promise<void> {
  let fedBytes = 0;
  for (;;) {
    const chunk = await reader.next();
    if (stream.destroyed) return;
    if (chunk === undefined) break;
    fedBytes += chunk.byteLength;
    await written(stream, chunk);
    if (stream.destroyed) return;
    const unusedBytes = fedBytes - (usedBytes?.() ?? fedBytes);
    if (unusedBytes > 0) return reader.unread(chunk.subarray(-unusedBytes));
  }
  stream.end();
}

/**
 * Resolves when the engine is done with `chunk`, in whatever way: what went wrong shows on the readable side. An engine
 * of node:zlib that fails closes without calling back for the chunk it failed at.
 */
function written(stream: Transform, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("close", done);
      resolve();
    };
    stream.once("close", done);
    stream.write(chunk, done);
  });
}

export function decompressionFailed(kind: string, reason: string, cause?: unknown): ImportError {
  return new ImportError("DECOMPRESSION_FAILED", `Cannot decompress ${kind} data as ${reason}`, {
    step: "decompress",
    cause,
    remedy: "Get the file again from where it was made and compare its checksum",
  });
}
