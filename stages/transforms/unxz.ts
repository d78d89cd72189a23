// oxlint-disable no-underscore-dangle -- the names that Emscripten gives to C functions
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Bytes, Context } from "../../pipeline/contract.ts";
import { ImportError, systemCode } from "../../pipeline/errors.ts";
import { isZero } from "../../pipeline/zero.ts";
import { type ByteReader, byteReader } from "../byte-reader.ts";
import { decompressionFailed } from "./engine.ts";
import { trailingData } from "../trailing-data.ts";

/** Of input and output, inside the memory of the WebAssembly module. */
const BUFFER_BYTES = 256 * 1024;

/** xz -9 makes dictionaries of 64 MiB. A dictionary of 128 MiB, and what the decoder needs beside it. */
export const XZ_MEMORY_BYTES = (128 + 1) * 1024 * 1024;

/** In the zero padding between and behind streams, which is of multiples of 4 bytes (xz file format section 2.2). */
const PADDING_GRAIN_BYTES = 4;

/** Work between two turns of the event loop, in chunks: decoding runs in the main thread, which others need as well. */
const CHUNKS_A_TURN = 8;

/** liblzma in a memory of its own, and what wraps it. */
interface Liblzma {
  readonly api: typeof import("node-liblzma/wasm");
  readonly wasm: Awaited<ReturnType<typeof import("node-liblzma/wasm/liblzma.js").default>>;
}

/**
 * Decompresses xz streams, one after the other, until the input ends, checking the CRC32, CRC64 or SHA-256 of each block.
 * liblzma runs as WebAssembly, so that a flaw in it stays inside its own memory, which goes when the stream has ended.
 * Throws DECOMPRESSION_FAILED, also for more than {@link XZ_MEMORY_BYTES} of memory, TRAILING_DATA, and PROGRAM_MISSING
 * where the optional package that holds liblzma is not there.
 */
export async function* unxz(input: Bytes, context: Context): Bytes {
  const reader = byteReader(input);
  try {
    const liblzma = await loadLiblzma();
    let streamCount = 0;
    while (await atStream(reader, streamCount)) {
      yield* unxzStream(liblzma, reader, context);
      streamCount++;
    }
  } finally {
    await reader.close();
  }
}

/**
 * The package is optional because npm runs an install script of it, which fails where there is neither a prebuilt binary
 * nor a compiler; npm then leaves it out. Nothing that the script makes is used.
 */
async function loadLiblzma(): Promise<Liblzma> {
  try {
    const [api, { default: createLiblzma }] = await Promise.all([
      import("node-liblzma/wasm"),
      import("node-liblzma/wasm/liblzma.js"),
    ]);
    const wasmPath = fileURLToPath(import.meta.resolve("node-liblzma/wasm/liblzma.wasm"));
    // Given, because the loader would fetch() it otherwise, which does not read files in Node.
    return { api, wasm: await createLiblzma({ wasmBinary: await readFile(wasmPath) }) };
  } catch (cause) {
    if (systemCode(cause) !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new ImportError(
      "PROGRAM_MISSING",
      'Cannot decompress xz as the npm package "node-liblzma" is not installed',
      {
        remedy: "Install it beside diskferry with: npm install --ignore-scripts node-liblzma",
        cause,
      },
    );
  }
}

/** Passes over padding and tells whether a stream follows. */
async function atStream(reader: ByteReader, streamCount: number): Promise<boolean> {
  for (;;) {
    const group = await reader.take(PADDING_GRAIN_BYTES);
    if (group.byteLength === 0) {
      if (streamCount > 0) return false;
      throw decompressionFailed("xz", "it is empty");
    }
    const isPadding = group.byteLength === PADDING_GRAIN_BYTES && isZero(group);
    if (isPadding && streamCount > 0) continue;
    reader.unread(group);
    if (streamCount > 0 && (group[0] !== 0xfd || group[1] !== 0x37))
      throw trailingData("xz", reader.position);
    return true;
  }
}

async function* unxzStream({ api, wasm }: Liblzma, reader: ByteReader, { signal }: Context): Bytes {
  const stream = new api.WasmLzmaStream(wasm);
  const inputAt = wasm._malloc(BUFFER_BYTES);
  const outputAt = wasm._malloc(BUFFER_BYTES);
  try {
    let status: number = wasm._lzma_stream_decoder(stream.ptr, BigInt(XZ_MEMORY_BYTES), 0);
    let chunk: Uint8Array | undefined;
    for (let turn = 1; status === api.LZMA_OK; turn++) {
      signal.throwIfAborted();
      if (stream.availIn === 0) {
        chunk = await reader.next(BUFFER_BYTES);
        if (chunk !== undefined) wasm.HEAPU8.set(chunk, inputAt);
        stream.setInput(inputAt, chunk?.byteLength ?? 0);
      }
      stream.setOutput(outputAt, BUFFER_BYTES);
      status = wasm._lzma_code(stream.ptr, chunk === undefined ? api.LZMA_FINISH : api.LZMA_RUN);
      const outputBytes = BUFFER_BYTES - stream.availOut;
      if (outputBytes > 0) yield wasm.HEAPU8.slice(outputAt, outputAt + outputBytes);
      if (turn % CHUNKS_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    if (status === api.LZMA_MEMLIMIT_ERROR) {
      throw decompressionFailed("xz", `its dictionary needs more than ${XZ_MEMORY_BYTES} bytes of memory`);
    }
    if (status !== api.LZMA_STREAM_END) {
      throw decompressionFailed("xz", `it is damaged or ends early (liblzma status ${status})`);
    }
    if (chunk !== undefined && stream.availIn > 0) reader.unread(chunk.subarray(-stream.availIn));
  } finally {
    wasm._lzma_end(stream.ptr);
    wasm._free(inputAt);
    wasm._free(outputAt);
    stream.free();
  }
}
