import type { Bytes, Context, Limits, Stage } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { formatBytes } from "../../pipeline/units.ts";
import { bunzip2 } from "./bunzip2.ts";
import { gunzip } from "./gunzip.ts";
import { unxz } from "./unxz.ts";
import { type ZstdEngine, nativeZstd, unzstd } from "./unzstd.ts";
import { wasmZstd } from "./wasm-zstd.ts";

export type Compression = "gzip" | "xz" | "zstd" | "bzip2";

export interface DecompressOptions {
  /** What inflates Zstandard frames. Default: node:zlib where it can (Node 22.15 and later), else `zstd-codec`. */
  readonly zstdEngine?: ZstdEngine;
}

/**
 * Output below which no ratio is judged: a disk of zeros compresses 30,000 times and more, and a gigabyte of it
 * endangers nobody.
 */
export const RATIO_GRACE_BYTES = 1024 ** 3;

/** What a tar around an image of the largest allowed size may add: headers, padding, the record at the end. */
const CONTAINER_BYTES = 1024 * 1024;

/** What `magic` a file of each kind begins with. */
const MAGICS: Readonly<Record<Compression, Uint8Array>> = {
  gzip: Uint8Array.of(0x1f, 0x8b, 0x08), // RFC 1952 section 2.3.1; 8 is the only method there is
  xz: Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00), // xz file format 1.2.1 section 2.1.1.1
  zstd: Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd), // RFC 8878 section 3.1.1
  bzip2: Uint8Array.of(0x42, 0x5a, 0x68), // "BZh", followed by the block size 1 to 9
};

/** What the first bytes of a file say about its compression; 10 bytes are enough. Names are not asked. */
export function detectCompression(head: Uint8Array): Compression | undefined {
  for (const kind of ["gzip", "xz", "zstd", "bzip2"] as const) {
    const magic = MAGICS[kind];
    if (head.byteLength < magic.byteLength || !magic.every((byte, at) => head[at] === byte)) continue;
    if (kind !== "bzip2" || isBzip2(head)) return kind;
  }
  return undefined;
}

/** "BZh" alone could be the start of a text: the level and the first block's (or the end's) magic must follow. */
function isBzip2(head: Uint8Array): boolean {
  const [level = 0, first] = [head[3], head[4]];
  return level >= 0x31 && level <= 0x39 && (first === 0x31 || first === 0x17);
}

/**
 * Decompresses: gzip with any number of members and zero padding behind, xz and bzip2 with any number of streams,
 * Zstandard with any number of frames. Chunks of up to 1 MiB. Pulls one chunk of input at a time, and the decoder
 * runs ahead by at most 4 MiB of output.
 *
 * Throws DECOMPRESSION_FAILED (damaged, ends early, or needs more than 128 MiB for its window), TRAILING_DATA
 * (something else behind the end), SIZE_EXCEEDED (more than `limits.maxImageBytes` and a container around it) and
 * RATIO_EXCEEDED (more than `limits.maxRatio` times the input, past {@link RATIO_GRACE_BYTES}) while it flows.
 */
export function decompress(kind: Compression, options: DecompressOptions = {}): Stage {
  const { zstdEngine = nativeZstd() ?? wasmZstd } = options;
  const decode: Readonly<Record<Compression, (input: Bytes, context: Context) => Bytes>> = {
    gzip: gunzip,
    xz: unxz,
    zstd: (input, context) => unzstd(input, context, zstdEngine),
    bzip2: bunzip2,
  };
  return {
    name: `decompress ${kind}`,
    transform: (input, context) => limited(input, decode[kind], kind, context),
  };
}

async function* limited(
  input: Bytes,
  decode: (input: Bytes, context: Context) => Bytes,
  kind: Compression,
  context: Context,
): Bytes {
  let inputBytes = 0;
  let outputBytes = 0;
  async function* counted(): Bytes {
    for await (const chunk of input) {
      inputBytes += chunk.byteLength;
      yield chunk;
    }
  }
  for await (const chunk of decode(counted(), context)) {
    outputBytes += chunk.byteLength;
    check(inputBytes, outputBytes, kind, context.limits);
    yield chunk;
  }
}

function check(inputBytes: number, outputBytes: number, kind: Compression, limits: Limits): void {
  if (outputBytes > limits.maxImageBytes + CONTAINER_BYTES) {
    throw new ImportError(
      "SIZE_EXCEEDED",
      `Cannot decompress ${kind} data as it grows past ${formatBytes(limits.maxImageBytes)}`,
      { step: "decompress", remedy: "Raise the limit on the image size if an image that large is expected" },
    );
  }
  if (outputBytes > RATIO_GRACE_BYTES && outputBytes > inputBytes * limits.maxRatio) {
    throw new ImportError(
      "RATIO_EXCEEDED",
      `Cannot decompress ${kind} data as ${formatBytes(inputBytes)} have grown to ${formatBytes(outputBytes)}: at most ${limits.maxRatio} times is allowed`,
      {
        step: "decompress",
        remedy: "Raise the limit on the ratio if you know that the image is almost empty",
      },
    );
  }
}
