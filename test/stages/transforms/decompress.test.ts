import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import test from "ava";
import fc from "fast-check";
import { seededBytes, seededDisk } from "../../../fixtures/seeded.ts";
import type { Bytes } from "../../../pipeline/contract.ts";
import { ImportError } from "../../../pipeline/errors.ts";
import {
  type Compression,
  type DecompressOptions,
  decompress,
  detectCompression,
} from "../../../stages/transforms/decompress.ts";
import { wasmZstd } from "../../../stages/transforms/wasm-zstd.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { requiresShared, sharedFile } from "../../support/shared.ts";
import { PROPERTY_RUNS } from "./contract.ts";

const first = seededDisk("first", { sizeBytes: 300_000 });
const second = seededDisk("second", { sizeBytes: 123_457 });
const kinds = ["gzip", "xz", "bzip2", "zstd"] as const;
const compress = (kind: Compression, input: Uint8Array): Buffer => execFileSync(kind, ["-c"], { input });

const variants: readonly {
  readonly name: string;
  readonly kind: Compression;
  readonly options?: DecompressOptions;
}[] = [
  ...kinds.map((kind) => ({ name: `decompress("${kind}")`, kind })),
  { name: 'decompress("zstd") with zstd-codec', kind: "zstd", options: { zstdEngine: wasmZstd } },
];

const run = (kind: Compression, input: Uint8Array, options?: DecompressOptions): Promise<Buffer> =>
  collect(decompress(kind, options).transform(chunked(input), testContext()));

for (const { name, kind, options } of variants) {
  const packed = compress(kind, first);

  test(`${name} reads several members, streams or frames as one`, async (t) => {
    const joined = Buffer.concat([packed, compress(kind, second), compress(kind, new Uint8Array()), packed]);
    t.true((await run(kind, joined, options)).equals(Buffer.concat([first, second, first])));
  });

  test(`${name} fails with DECOMPRESSION_FAILED wherever the input is cut`, async (t) => {
    for (const end of [
      1,
      2,
      5,
      17,
      packed.length >> 1,
      packed.length - 9,
      packed.length - 4,
      packed.length - 1,
    ]) {
      const error = await failure(() => run(kind, packed.subarray(0, end), options));
      t.is(error.code, "DECOMPRESSION_FAILED", `cut at ${end} of ${packed.length}`);
    }
  });

  test(`${name} fails with TRAILING_DATA when something else follows`, async (t) => {
    // Of a lone byte zlib says that more is missing, so that it counts as damage.
    const single = kind === "gzip" ? [] : ["g"];
    for (const garbage of ["garbage", "\0\0\0\0garbage", ...single]) {
      const error = await failure(() => run(kind, Buffer.concat([packed, Buffer.from(garbage)]), options));
      t.is(error.code, "TRAILING_DATA", JSON.stringify(garbage));
    }
  });

  test(`${name} fails with a code, or gives the same, for any damaged byte`, async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const damaged = Buffer.from(packed);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        try {
          return (await run(kind, damaged, options)).equals(first); // a header's time or name may differ
        } catch (error) {
          return error instanceof ImportError;
        }
      }),
      { numRuns: PROPERTY_RUNS },
    );
    t.pass();
  });

  test(`${name} fails with a code for any input`, async (t) => {
    const head = packed.subarray(0, 14);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), fc.boolean(), async (bytes, hasHead) => {
        const input = hasHead ? Buffer.concat([head, bytes]) : bytes;
        await run(kind, input, options).catch((error: unknown) => {
          if (!(error instanceof ImportError)) throw error;
        });
      }),
      { numRuns: PROPERTY_RUNS },
    );
    t.pass();
  });

  test(`${name} fails with SIZE_EXCEEDED while it flows`, async (t) => {
    const context = testContext({ limits: { maxImageBytes: 2 * 1024 * 1024, maxRatio: 40_000 } });
    const zeros = compress(kind, Buffer.alloc(16 * 1024 * 1024));
    let seenBytes = 0;
    const error = await failure(async () => {
      for await (const chunk of decompress(kind, options).transform(chunked(zeros), context))
        seenBytes += chunk.byteLength;
    });
    t.is(error.code, "SIZE_EXCEEDED");
    t.true(seenBytes <= 3 * 1024 * 1024);
  });
}

for (const kind of ["gzip", "xz", "bzip2"] as const) {
  test(`decompress("${kind}") accepts zero padding behind the end`, async (t) => {
    const padded = Buffer.concat([compress(kind, first), Buffer.alloc(4096)]);
    t.true((await run(kind, padded)).equals(first));
  });
}

test('decompress("xz") accepts zero padding between streams', async (t) => {
  const joined = Buffer.concat([compress("xz", first), Buffer.alloc(8), compress("xz", second)]);
  t.true((await run("xz", joined)).equals(Buffer.concat([first, second])));
});

test('decompress("xz") fails with DECOMPRESSION_FAILED for a dictionary that needs too much memory', async (t) => {
  const input = execFileSync("xz", ["-c", "--lzma2=dict=256MiB"], { input: first });
  const error = await failure(() => run("xz", input));
  t.is(error.code, "DECOMPRESSION_FAILED");
  t.regex(error.message, /dictionary/);
});

test('decompress("zstd") fails with DECOMPRESSION_FAILED for a window of more than 128 MiB', async (t) => {
  const header = Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, (28 - 10) << 3);
  const error = await failure(() => run("zstd", Buffer.concat([header, Buffer.of(1, 0, 0)])));
  t.is(error.code, "DECOMPRESSION_FAILED");
  t.regex(error.message, /window/);
});

for (const zstdEngine of [undefined, wasmZstd]) {
  const options = zstdEngine === undefined ? {} : { zstdEngine };
  test(`decompress("zstd") passes over skippable frames with ${zstdEngine?.name ?? "node:zlib"}`, async (t) => {
    const skippable = Buffer.concat([Buffer.of(0x5f, 0x2a, 0x4d, 0x18, 5, 0, 0, 0), Buffer.from("hello")]);
    const joined = Buffer.concat([
      skippable,
      zstdCompressSync(first),
      skippable,
      zstdCompressSync(second),
      skippable,
    ]);
    t.true((await run("zstd", joined, options)).equals(Buffer.concat([first, second])));
  });
}

test('decompress("gzip") fails with RATIO_EXCEEDED past the grace of a gigabyte', async (t) => {
  const member = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  async function* bomb(): Bytes {
    for (let count = 0; count < 32; count++) yield member;
  }
  const context = testContext({ limits: { maxImageBytes: 2 ** 40, maxRatio: 100 } });
  let seenBytes = 0;
  const error = await failure(async () => {
    for await (const chunk of decompress("gzip").transform(bomb(), context)) seenBytes += chunk.byteLength;
  });
  t.is(error.code, "RATIO_EXCEEDED");
  t.is(seenBytes, 2 ** 30);
});

test("decompress() lets a disk of zeros through, however small it was", async (t) => {
  const zeros = compress("bzip2", Buffer.alloc(100 * 1024 * 1024));
  t.true(zeros.byteLength < 200);
  let seenBytes = 0;
  for await (const chunk of decompress("bzip2").transform(chunked(zeros), testContext()))
    seenBytes += chunk.byteLength;
  t.is(seenBytes, 100 * 1024 * 1024);
});

for (const name of ["afl9.vmdk", "iotest-dynamic-1G.vhdx", "d2v-zerofilled.vhd", "iotest-version3.vmdk"]) {
  const file = `images/${name}.bz2`;
  requiresShared(file)(`decompress("bzip2") gives of ${name} what bzip2(1) gives`, async (t) => {
    const packed = readFileSync(sharedFile(file));
    const wanted = createHash("sha256");
    wanted.update(execFileSync("bzip2", ["-dc"], { input: packed, maxBuffer: 2 ** 31 }));
    const found = createHash("sha256");
    for await (const chunk of decompress("bzip2").transform(chunked(packed), testContext()))
      found.update(chunk);
    t.is(found.digest("hex"), wanted.digest("hex"));
  });
}

test("detectCompression() tells kinds by their first bytes and takes nothing else for one", (t) => {
  for (const kind of kinds) t.is(detectCompression(compress(kind, first).subarray(0, 10)), kind);
  t.is(detectCompression(compress("bzip2", new Uint8Array()).subarray(0, 10)), "bzip2");
  for (const head of ["", "BZ", "BZhello", "PK\x03\x04", "QFI\xfb", "\x1f\x8b"]) {
    t.is(detectCompression(Buffer.from(head, "latin1")), undefined, head);
  }
  t.is(detectCompression(seededBytes("noise", 512)), undefined);
});
