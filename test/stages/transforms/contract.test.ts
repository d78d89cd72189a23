import { execFileSync } from "node:child_process";
import { createCipheriv, createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import test from "ava";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { tar, tarBytes } from "../../../stages/tar/writer.ts";
import { gzip } from "../../../stages/gzip-writer.ts";
import { threadPool } from "../../../stages/threads/pool.ts";
import { decompress } from "../../../stages/transforms/decompress.ts";
import { decrypt } from "../../../stages/transforms/decrypt.ts";
import { expectSize } from "../../../stages/transforms/expect-size.ts";
import { limit } from "../../../stages/transforms/limit.ts";
import { untar } from "../../../stages/transforms/untar.ts";
import { verify } from "../../../stages/transforms/verify.ts";
import { wasmZstd } from "../../../stages/transforms/wasm-zstd.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { transformContract } from "./contract.ts";

const image = seededDisk("contract", { sizeBytes: 200_000 });
const key = Buffer.alloc(16, 7);
const iv = Buffer.alloc(16, 9);
const threads = threadPool({ threadCount: 1 });
test.after.always(() => threads[Symbol.asyncDispose]());

const plain = async () => image;
const program = (name: string) => async () => execFileSync(name, ["-c"], { input: image });
const encrypted = async () => {
  const cipher = createCipheriv("aes-128-cbc", key, iv);
  return Buffer.concat([cipher.update(image), cipher.final()]);
};
const archive = () =>
  collect(tar({ name: "disk.img", sizeBytes: image.byteLength }).transform(chunked(image), testContext()));
const sha256 = createHash("sha256").update(image).digest("hex");

/** Decoders read on while what they have made is taken. */
const ENGINE_AHEAD = 3;

transformContract(test, {
  symbol: "limit()",
  stage: () => limit(200_000, "x"),
  input: plain,
  output: plain,
  whenEmpty: "nothing",
  pullsAhead: 0,
});
transformContract(test, {
  symbol: "expectSize()",
  stage: () => expectSize(200_000, "x"),
  input: plain,
  output: plain,
  whenEmpty: { code: "SIZE_MISMATCH" },
  pullsAhead: 0,
});
transformContract(test, {
  symbol: "verify()",
  stage: () => verify({ algorithm: "sha256", digest: sha256, what: "x" }),
  input: plain,
  output: plain,
  whenEmpty: { code: "CHECKSUM_MISMATCH" },
  pullsAhead: 0,
});
transformContract(test, {
  symbol: "decrypt()",
  stage: () => decrypt({ key, iv }),
  input: encrypted,
  output: plain,
  whenEmpty: { code: "DECRYPTION_FAILED" },
  pullsAhead: 32,
  threads,
});
transformContract(test, {
  symbol: "untar()",
  stage: () => untar(),
  input: archive,
  output: plain,
  whenEmpty: { code: "ARCHIVE_INVALID" },
  pullsAhead: 0,
});
transformContract(test, {
  symbol: "tar()",
  stage: () => tar({ name: "disk.img", sizeBytes: 200_000 }),
  input: plain,
  output: archive,
  whenEmpty: { code: "SIZE_MISMATCH" },
  pullsAhead: 0,
});
transformContract(test, {
  symbol: "gzip()",
  stage: () => gzip(),
  input: plain,
  output: async () => collect(gzip().transform(chunked(image), testContext())),
  whenEmpty: "something",
  pullsAhead: 64,
});
transformContract(test, {
  symbol: 'decompress("gzip")',
  stage: () => decompress("gzip"),
  input: async () => gzipSync(image),
  output: plain,
  whenEmpty: { code: "DECOMPRESSION_FAILED" },
  pullsAhead: ENGINE_AHEAD,
});
transformContract(test, {
  symbol: 'decompress("xz")',
  stage: () => decompress("xz"),
  input: program("xz"),
  output: plain,
  whenEmpty: { code: "DECOMPRESSION_FAILED" },
  pullsAhead: ENGINE_AHEAD,
});
transformContract(test, {
  symbol: 'decompress("bzip2")',
  stage: () => decompress("bzip2"),
  input: program("bzip2"),
  output: plain,
  whenEmpty: { code: "DECOMPRESSION_FAILED" },
  pullsAhead: 64,
});
transformContract(test, {
  symbol: 'decompress("zstd") with node:zlib',
  stage: () => decompress("zstd"),
  input: program("zstd"),
  output: plain,
  whenEmpty: { code: "DECOMPRESSION_FAILED" },
  pullsAhead: ENGINE_AHEAD,
});
transformContract(test, {
  symbol: 'decompress("zstd") with zstd-codec',
  stage: () => decompress("zstd", { zstdEngine: wasmZstd }),
  input: program("zstd"),
  output: plain,
  whenEmpty: { code: "DECOMPRESSION_FAILED" },
  pullsAhead: ENGINE_AHEAD,
});

test("tarBytes() and gzip() fit what the contract suite compares with", async (t) => {
  t.is((await archive()).byteLength, tarBytes("disk.img", image.byteLength));
  t.deepEqual(gunzipSync(await collect(gzip().transform(chunked(image), testContext()))), image);
});
