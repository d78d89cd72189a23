import { createCipheriv, createHash } from "node:crypto";
import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import test from "ava";
import fc from "fast-check";
import { makeOpensslBundle } from "../../../fixtures/bundle-by-openssl.ts";
import { testIdentity } from "../../../fixtures/keys.ts";
import { seededBytes, seededDisk } from "../../../fixtures/seeded.ts";
import { type BundleManifest, parseBundleManifest } from "../../../manifest/bundle.ts";
import { unwrapBundleKeys } from "../../../manifest/bundle-keys.ts";
import type { Bytes, Source } from "../../../pipeline/contract.ts";
import { ImportError } from "../../../pipeline/errors.ts";
import { bundleSource } from "../../../stages/sources/bundle.ts";
import { fileSource } from "../../../stages/sources/file.ts";
import { threadPool } from "../../../stages/threads/pool.ts";
import { unbundleStages } from "../../../stages/transforms/unbundle.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { PROPERTY_RUNS } from "../transforms/contract.ts";

const threads = threadPool({ threadCount: 2 });
test.after.always(() => threads[Symbol.asyncDispose]());
const context = () => testContext({ threads });

const key = Buffer.alloc(16, 3);
const iv = Buffer.alloc(16, 4);
const plaintext = gzipSync(seededDisk("bundle", { sizeBytes: 400_000 }));

/** A bundle in memory whose parts are cut at the given lengths, the last taking what is left. */
function bundleOf(
  content: Uint8Array,
  lengths: Iterable<number>,
): { manifest: BundleManifest; parts: Map<string, Buffer> } {
  const cipher = createCipheriv("aes-128-cbc", key, iv);
  const ciphertext = Buffer.concat([cipher.update(content), cipher.final()]);
  const parts = new Map<string, Buffer>();
  let at = 0;
  for (const length of lengths) {
    if (at >= ciphertext.byteLength) break;
    parts.set(`p.${parts.size}`, ciphertext.subarray(at, at + length));
    at += length;
  }
  if (at < ciphertext.byteLength) parts.set(`p.${parts.size}`, ciphertext.subarray(at));
  const image = {
    name: "disk.img",
    user: "1",
    type: "machine" as const,
    ancestry: [],
    sizeBytes: 0,
    bundledSizeBytes: ciphertext.byteLength,
    parts: [...parts].map(([fileName, bytes], index) => ({
      index,
      fileName,
      sha1: createHash("sha1").update(bytes).digest("hex"),
    })),
  };
  return {
    manifest: { version: "2007-10-10", bundler: { name: "", version: "", release: "" }, image },
    parts,
  };
}

function memorySource(name: string, content: Uint8Array | undefined): Source {
  return {
    name,
    facts: async () => ({ seekable: false }),
    async *bytes(): Bytes {
      if (content === undefined) throw new ImportError("SOURCE_NOT_FOUND", `There is no "${name}"`);
      yield* chunked(content);
    },
  };
}

const read = (bundle: ReturnType<typeof bundleOf>, keys = { key, iv }): Promise<Buffer> =>
  collect(
    bundleSource({
      name: "the bundle",
      manifest: bundle.manifest,
      keys,
      openPart: (fileName) => memorySource(fileName, bundle.parts.get(fileName)),
    }).bytes(context()),
  );

for (const [writer, sparse, gzipProgram] of [
  ["euca2ools", false, "gzip"],
  ["ec2-ami-tools", true, "gzip"],
] as const) {
  test(`bundleSource() and unbundleStages() read what openssl and tar bundled as ${writer} does`, async (t) => {
    await using scope = await temporaryFolder();
    const user = await testIdentity("user");
    const image = seededDisk("openssl", { sizeBytes: 3 * 1024 * 1024 });
    await writeFile(scope.file("disk.img"), image);
    const made = await makeOpensslBundle({
      image: scope.file("disk.img"),
      folder: scope.path,
      partSizeBytes: 65_536,
      keys: { user, signer: user },
      writer,
      sparse,
      gzipProgram,
    });
    t.true(made.partNames.length > 10);
    const manifest = parseBundleManifest(await readFile(made.manifestPath));
    const keys = unwrapBundleKeys(manifest.image, user.privateKey);
    const openPart = (fileName: string) => fileSource(join(scope.path, fileName));
    let bytes = bundleSource({ name: "b", manifest, keys, openPart }).bytes(context());
    for (const stage of unbundleStages(manifest)) bytes = stage.transform(bytes, context());
    t.true((await collect(bytes)).equals(image));
  });
}

test("bundleSource() decrypts parts cut anywhere: off the grid of blocks, tiny, empty", async (t) => {
  const cuts = fc.array(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 5000 })), {
    maxLength: 40,
  });
  await fc.assert(
    fc.asyncProperty(cuts, async (lengths) => (await read(bundleOf(plaintext, lengths))).equals(plaintext)),
    { numRuns: PROPERTY_RUNS },
  );
  t.pass();
});

test("bundleSource() accepts a last part of no bytes", async (t) => {
  const bundle = bundleOf(plaintext, [65_536]);
  const last = {
    index: bundle.parts.size,
    fileName: "empty",
    sha1: "da39a3ee5e6b4b0d3255bfef95601890afd80709",
  };
  bundle.parts.set("empty", Buffer.alloc(0));
  const image = { ...bundle.manifest.image, parts: [...bundle.manifest.image.parts, last] };
  t.true((await read({ ...bundle, manifest: { ...bundle.manifest, image } })).equals(plaintext));
});

test("bundleSource() streams parts that are too large for memory, between others", async (t) => {
  const large = Buffer.concat([gzipSync("a"), seededBytes("large", 40 * 1024 * 1024)]);
  const bundle = bundleOf(large, [100, 17 * 1024 * 1024, 1000, 16 * 1024 * 1024 + 5, 64]);
  const found = createHash("sha1")
    .update(await read(bundle))
    .digest("hex");
  t.is(found, createHash("sha1").update(large).digest("hex"));
});

test("bundleSource() closes a large part behind the one that fails", async (t) => {
  const large = Buffer.concat([gzipSync("a"), seededBytes("large", 20 * 1024 * 1024)]);
  const bundle = bundleOf(large, [64, 17 * 1024 * 1024, 64]);
  bundle.parts.set("p.0", Buffer.alloc(64));
  t.is((await failure(() => read(bundle))).code, "CHECKSUM_MISMATCH");
});

test("bundleSource() fails with a code that names the part: damaged, missing, cut", async (t) => {
  const lengths = [65_536, 65_536];
  const damaged = bundleOf(plaintext, lengths);
  damaged.parts.set("p.1", Buffer.alloc(65_536));
  const missing = bundleOf(plaintext, lengths);
  missing.parts.delete("p.1");
  const cut = bundleOf(plaintext, lengths);
  cut.parts.set("p.1", cut.parts.get("p.1")!.subarray(1));
  for (const [bundle, code] of [
    [damaged, "CHECKSUM_MISMATCH"],
    [missing, "SOURCE_NOT_FOUND"],
    [cut, "CHECKSUM_MISMATCH"],
  ] as const) {
    const error = await failure(() => read(bundle));
    t.is(error.code, code);
    t.regex(error.message, /part 1 "p\.1"/);
  }
});

test("bundleSource() fails with SIZE_MISMATCH unless the parts are bundled_size long", async (t) => {
  const bundle = bundleOf(plaintext, [65_536]);
  for (const difference of [-16, 16]) {
    const image = {
      ...bundle.manifest.image,
      bundledSizeBytes: bundle.manifest.image.bundledSizeBytes + difference,
    };
    const error = await failure(() => read({ ...bundle, manifest: { ...bundle.manifest, image } }));
    t.is(error.code, "SIZE_MISMATCH", String(difference));
  }
});

test("bundleSource() fails with KEY_MISMATCH for a wrong key, before anything comes out", async (t) => {
  const bundle = bundleOf(plaintext, [65_536]);
  t.is((await failure(() => read(bundle, { key: iv, iv }))).code, "KEY_MISMATCH");
  t.is((await failure(() => read(bundle, { key, iv: key }))).code, "KEY_MISMATCH");
});

test("bundleSource() fails with DECRYPTION_FAILED when the end is no padding", async (t) => {
  const content = Buffer.concat([plaintext, Buffer.alloc(16 - (plaintext.byteLength % 16))]);
  const cipher = createCipheriv("aes-128-cbc", key, iv).setAutoPadding(false);
  const ciphertext = Buffer.concat([cipher.update(content), cipher.final()]);
  const bundle = bundleOf(Buffer.alloc(0), []);
  const image = {
    ...bundle.manifest.image,
    bundledSizeBytes: ciphertext.byteLength,
    parts: [{ index: 0, fileName: "only" }],
  };
  bundle.parts.set("only", ciphertext);
  t.is(
    (await failure(() => read({ ...bundle, manifest: { ...bundle.manifest, image } }))).code,
    "DECRYPTION_FAILED",
  );
});

test("bundleSource() opens nothing before the first pull, 3 parts at once, and closes all when its consumer stops", async (t) => {
  const bundle = bundleOf(
    plaintext,
    Array.from({ length: 20 }, () => 4096),
  );
  const open = new Set<string>();
  let openedCount = 0;
  const openPart = (fileName: string): Source => ({
    name: fileName,
    facts: async () => ({ seekable: false }),
    async *bytes(): Bytes {
      open.add(fileName);
      openedCount++;
      try {
        yield* chunked(bundle.parts.get(fileName)!, 1000);
      } finally {
        open.delete(fileName);
      }
    },
  });
  const bytes = bundleSource({ name: "b", manifest: bundle.manifest, keys: { key, iv }, openPart }).bytes(
    context(),
  );
  t.is(openedCount, 0);
  for await (const _chunk of bytes) break;
  t.is(open.size, 0);
  t.true(openedCount <= 5, `opened ${openedCount}`);
});

test("bundleSource() ends with the signal's reason while a part hangs", async (t) => {
  const bundle = bundleOf(plaintext, [4096, 4096]);
  const controller = new AbortController();
  const openPart = (fileName: string): Source => ({
    name: fileName,
    facts: async () => ({ seekable: false }),
    async *bytes({ signal }): Bytes {
      if (fileName !== "p.1") return yield* chunked(bundle.parts.get(fileName)!);
      queueMicrotask(() => controller.abort(new Error("Stopped by the user")));
      await new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
      );
    },
  });
  const stopped = { ...context(), signal: controller.signal };
  const source = bundleSource({ name: "b", manifest: bundle.manifest, keys: { key, iv }, openPart });
  await t.throwsAsync(() => collect(source.bytes(stopped)), { message: "Stopped by the user" });
});

test("bundleSource() fails with SOURCE_UNSUITABLE when asked to start in the middle", async (t) => {
  const { manifest } = bundleOf(plaintext, []);
  const source = bundleSource({
    name: "b",
    manifest,
    keys: { key, iv },
    openPart: (name) => memorySource(name, undefined),
  });
  t.is((await failure(() => collect(source.bytes(context(), 1)))).code, "SOURCE_UNSUITABLE");
});

test("bundleSource() names the part of a bundle in a folder that was cut or taken away", async (t) => {
  await using scope = await temporaryFolder();
  const bundle = bundleOf(plaintext, [65_536, 65_536]);
  for (const [name, bytes] of bundle.parts) await writeFile(scope.file(name), bytes);
  const source = () =>
    bundleSource({
      name: "b",
      manifest: bundle.manifest,
      keys: { key, iv },
      openPart: (name) => fileSource(scope.file(name)),
    });
  await truncate(scope.file("p.1"), 1000);
  t.is((await failure(() => collect(source().bytes(context())))).code, "CHECKSUM_MISMATCH");
  await rm(scope.file("p.1"));
  const error = await failure(() => collect(source().bytes(context())));
  t.is(error.code, "SOURCE_NOT_FOUND");
  t.regex(error.message, /part 1 "p\.1"/);
});
