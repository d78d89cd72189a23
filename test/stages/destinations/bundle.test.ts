import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { readByOpenssl, signatureHoldsByOpenssl } from "../../../fixtures/bundle-by-openssl.ts";
import { testIdentity } from "../../../fixtures/keys.ts";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { parseBundleManifest } from "../../../manifest/bundle.ts";
import { unwrapBundleKeys } from "../../../manifest/bundle-keys.ts";
import type { Bytes, Context } from "../../../pipeline/contract.ts";
import { runStream } from "../../../pipeline/run.ts";
import { type BundleDestinationOptions, bundleDestination } from "../../../stages/destinations/bundle.ts";
import { folderParts } from "../../../stages/destinations/folder-parts.ts";
import { bundleSource } from "../../../stages/sources/bundle.ts";
import { fileSource } from "../../../stages/sources/file.ts";
import { threadPool } from "../../../stages/threads/pool.ts";
import { unbundleStages } from "../../../stages/transforms/unbundle.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { temporaryFolder } from "../../support/folder.ts";

const BUNDLER = { name: "diskferry", version: "0.1.0", release: "0" };

async function makeBundle(
  folder: string,
  image: Uint8Array,
  context: Context,
  overrides: Partial<BundleDestinationOptions> = {},
): Promise<string> {
  const user = await testIdentity("user");
  const destination = bundleDestination({
    store: folderParts(folder),
    prefix: "disk.img",
    user: "000123456789",
    recipients: { user: user.certificate.publicKey },
    signingKey: user.privateKey,
    bundler: BUNDLER,
    machine: { architecture: "x86_64", blockDeviceMappings: [], productCodes: [] },
    partSizeBytes: 100_000,
    ...overrides,
  });
  await using draft = await destination.open(context, { sizeBytes: image.byteLength });
  await draft.write(chunked(image));
  await draft.commit();
  return join(folder, "disk.img.manifest.xml");
}

test("bundleDestination() makes a bundle that openssl, gzip and tar read byte for byte, with a good signature", async (t) => {
  await using scope = await temporaryFolder();
  const folder = scope.path;
  const user = await testIdentity("user");
  const image = seededDisk("bundle", { sizeBytes: 5 * 1024 * 1024 + 7 });
  const manifest = await makeBundle(folder, image, testContext());
  const read = await readByOpenssl(folder, manifest, user.keyPath, join(folder, "read.img"));
  t.true(read.partCount > 3);
  t.true((await readFile(join(folder, "read.img"))).equals(image));
  t.true(await signatureHoldsByOpenssl(manifest, user));
});

for (const sizeBytes of [0, 1, 511, 512, 513]) {
  test(`bundleDestination() and bundleSource() undo each other for an image of ${sizeBytes} bytes`, async (t) => {
    await using scope = await temporaryFolder();
    const folder = scope.path;
    const user = await testIdentity("user");
    const image = seededDisk("small", { sizeBytes });
    const manifestPath = await makeBundle(folder, image, testContext());
    const manifest = parseBundleManifest(await readFile(manifestPath));
    const keys = unwrapBundleKeys(manifest.image, user.privateKey);
    await using threads = threadPool({ threadCount: 1 });
    const context = testContext({ threads });
    const openPart = (fileName: string) => fileSource(join(folder, fileName));
    let bytes = bundleSource({ name: "b", manifest, keys, openPart }).bytes(context);
    for (const stage of unbundleStages(manifest)) bytes = stage.transform(bytes, context);
    t.true((await collect(bytes)).equals(image));
  });
}

test("bundleDestination() writes no empty part when the ciphertext fills the last part exactly", async (t) => {
  await using scope = await temporaryFolder();
  const folder = scope.path;
  const image = seededDisk("fit", { sizeBytes: 70_000, every: 1 });
  const keys = { key: Buffer.alloc(16, 1), iv: Buffer.alloc(16, 2) };
  const first = parseBundleManifest(await readFile(await makeBundle(folder, image, testContext(), { keys })));
  await using second = await temporaryFolder();
  const again = second.path;
  const partSizeBytes = first.image.bundledSizeBytes / 2;
  const manifestPath = await makeBundle(again, image, testContext(), { keys, partSizeBytes });
  const { parts } = parseBundleManifest(await readFile(manifestPath)).image;
  t.is(parts.length, 2);
  t.is((await stat(join(again, parts[1]!.fileName))).size, partSizeBytes);
});

test("bundleDestination() states the golden SHA-1 of the tar stream of euca2ools", async (t) => {
  await using scope = await temporaryFolder();
  const folder = scope.path;
  const manifestPath = await makeBundle(folder, Buffer.alloc(1000, 0x41), testContext());
  const { digest } = parseBundleManifest(await readFile(manifestPath)).image;
  t.is(digest, "560ee24d79f829f2040be85b69b646b3ba75bfb7");
});

test("bundleDestination() shows nothing under its own name before commit, and leaves nothing without it", async (t) => {
  await using scope = await temporaryFolder();
  const folder = scope.path;
  const image = seededDisk("hidden", { sizeBytes: 1024 * 1024 });
  const user = await testIdentity("user");
  const destination = bundleDestination({
    store: folderParts(folder),
    prefix: "disk.img",
    user: "1",
    recipients: { user: user.certificate.publicKey },
    bundler: BUNDLER,
    partSizeBytes: 100_000,
  });
  {
    await using draft = await destination.open(testContext(), { sizeBytes: image.byteLength });
    await draft.write(chunked(image));
    const names = await readdir(folder);
    t.true(names.length > 1);
    t.true(names.every((name) => name.startsWith(".")));
  }
  t.deepEqual(await readdir(folder), []);
});

test("bundleDestination() leaves nothing when the input fails half-way or is not as long as announced", async (t) => {
  await using scope = await temporaryFolder();
  const folder = scope.path;
  const image = seededDisk("broken", { sizeBytes: 1024 * 1024, every: 1 });
  async function* breaking(): Bytes {
    yield* chunked(image.subarray(0, 700_000));
    throw new Error("The disk went away");
  }
  const user = await testIdentity("user");
  const options = {
    prefix: "disk.img",
    user: "1",
    recipients: { user: user.certificate.publicKey },
    bundler: BUNDLER,
  };
  const open = () =>
    bundleDestination({ ...options, store: folderParts(folder), partSizeBytes: 100_000 }).open(
      testContext(),
      {
        sizeBytes: image.byteLength,
      },
    );
  await t.throwsAsync(
    async () => {
      await using draft = await open();
      await draft.write(breaking());
    },
    { message: "The disk went away" },
  );
  t.deepEqual(await readdir(folder), []);
  const short = await failure(async () => {
    await using draft = await open();
    await draft.write(chunked(image.subarray(1)));
  });
  t.is(short.code, "SIZE_MISMATCH");
  t.deepEqual(await readdir(folder), []);
});

test("bundleDestination() ends with the signal's reason and leaves nothing", async (t) => {
  await using scope = await temporaryFolder();
  const folder = scope.path;
  const controller = new AbortController();
  const user = await testIdentity("user");
  async function* endless(): Bytes {
    for (let count = 0; ; count++) {
      if (count === 5) controller.abort(new Error("Stopped by the user"));
      yield Buffer.alloc(1024 * 1024, count);
    }
  }
  await t.throwsAsync(
    async () => {
      const destination = bundleDestination({
        store: folderParts(folder),
        prefix: "disk.img",
        user: "1",
        recipients: { user: user.certificate.publicKey },
        bundler: BUNDLER,
      });
      await using draft = await destination.open(testContext({ signal: controller.signal }), {
        sizeBytes: 2 ** 40,
      });
      await draft.write(endless());
    },
    { message: "Stopped by the user" },
  );
  t.deepEqual(await readdir(folder), []);
});

test("bundleDestination() fails with DESTINATION_EXISTS beside another bundle, and keeps it", async (t) => {
  await using scope = await temporaryFolder();
  const folder = scope.path;
  await writeFile(join(folder, "disk.img.manifest.xml"), "another");
  const error = await failure(() => makeBundle(folder, Buffer.alloc(10), testContext()));
  t.is(error.code, "DESTINATION_EXISTS");
  await writeFile(join(folder, "other.part.00"), "another part");
  const collision = await failure(() =>
    makeBundle(folder, Buffer.alloc(10), testContext(), { prefix: "other" }),
  );
  t.is(collision.code, "DESTINATION_EXISTS");
  t.deepEqual((await readdir(folder)).sort(), ["disk.img.manifest.xml", "other.part.00"]);
});

test("bundleDestination() replaces a bundle when asked to", async (t) => {
  await using scope = await temporaryFolder();
  const folder = scope.path;
  const store = () => folderParts(folder, { overwrite: true });
  await makeBundle(folder, Buffer.alloc(10, 1), testContext(), { store: store() });
  const before = createHash("sha1")
    .update(await readFile(join(folder, "disk.img.part.00")))
    .digest("hex");
  await makeBundle(folder, Buffer.alloc(10, 2), testContext(), { store: store() });
  const after = createHash("sha1")
    .update(await readFile(join(folder, "disk.img.part.00")))
    .digest("hex");
  t.not(before, after);
});

test("bundleDestination() fails with PLAN_IMPOSSIBLE when the size is not known, DESTINATION_NOT_FOUND without folder", async (t) => {
  await using scope = await temporaryFolder();
  const folder = scope.path;
  const user = await testIdentity("user");
  const options = {
    prefix: "a",
    user: "1",
    recipients: { cloud: user.certificate.publicKey },
    bundler: BUNDLER,
  };
  const unknown = bundleDestination({ ...options, store: folderParts(folder) });
  t.is((await failure(() => unknown.open(testContext(), {}))).code, "PLAN_IMPOSSIBLE");
  const nowhere = bundleDestination({ ...options, store: folderParts(join(folder, "missing")) });
  t.is((await failure(() => nowhere.open(testContext(), { sizeBytes: 1 }))).code, "DESTINATION_NOT_FOUND");
});

test("bundleDestination() is a destination of runStream(), sparse input staying cheap", async (t) => {
  await using scope = await temporaryFolder();
  const folder = scope.path;
  const imageFolder = join(folder, "image");
  await mkdir(imageFolder);
  const path = join(imageFolder, "sparse.img");
  await writeFile(path, "");
  await truncate(path, 64 * 1024 * 1024);
  const user = await testIdentity("user");
  await using threads = threadPool({ threadCount: 1 });
  const destination = bundleDestination({
    store: folderParts(folder),
    prefix: "sparse.img",
    user: "1",
    recipients: { user: user.certificate.publicKey },
    bundler: BUNDLER,
  });
  const sizeBytes = 64 * 1024 * 1024;
  const { receipt } = await runStream(fileSource(path), [], destination, testContext({ threads }), {
    sizeBytes,
  });
  t.is(receipt.name, join(folder, "sparse.img.manifest.xml"));
  t.true(receipt.sizeBytes < 100_000);
});
