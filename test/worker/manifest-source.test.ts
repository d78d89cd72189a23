import { appendFile, copyFile, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import test from "ava";
import { makeOpensslBundle } from "../../fixtures/bundle-by-openssl.ts";
import { type TestIdentity, testIdentity } from "../../fixtures/keys.ts";
import { seededDisk } from "../../fixtures/seeded.ts";
import { unwrapBundleKeys, wrapBundleKey } from "../../manifest/bundle-keys.ts";
import { parseBundleManifest } from "../../manifest/bundle.ts";
import { formatDownloadManifest } from "../../manifest/download.ts";
import { formatImportManifest } from "../../manifest/import.ts";
import type { SourceOptions } from "../../worker/resolve-source.ts";
import { convert, temporaryFolder } from "../support/conversions.ts";
import { failure } from "../support/errors.ts";
import { serveFolder } from "../support/folder-server.ts";

const MiB = 1024 * 1024;
const disk = seededDisk("manifest", { sizeBytes: 5 * MiB });

async function bundled() {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  await writeFile(at("disk.raw"), disk);
  const [user, cloud, other] = await Promise.all(
    ["user", "cloud", "other"].map((name) => testIdentity(name)),
  );
  const bundle = await makeOpensslBundle({
    image: at("disk.raw"),
    folder: folder.path,
    partSizeBytes: 512 * 1024,
    keys: { user: user!, cloud: cloud!, signer: user! },
  });
  const key = (identity: TestIdentity) => ({ key: identity.privateKey, name: identity.keyPath });
  const options: SourceOptions = { privateKey: key(user!) };
  return { folder, at, bundle, user: user!, cloud: cloud!, other: other!, key, options };
}

test("resolveSource() opens a bundle of another chain from a folder, with the user's and with the cloud's key", async (t) => {
  const { folder, at, bundle, user, cloud, key } = await bundled();
  await using _ = folder;
  for (const [name, identity] of [
    ["user.raw", user],
    ["cloud.raw", cloud],
  ] as const) {
    const { plan, manifest } = await convert(bundle.manifestPath, at(name), {
      source: { privateKey: key(identity) },
      scratch: { limitBytes: 0 },
    });
    t.is(plan.route, "stream");
    t.is(Buffer.compare(await readFile(at(name)), disk), 0);
    t.deepEqual(manifest.source.digests, [
      { what: "tar stream of the bundle", algorithm: "sha1", value: bundle.tarSha1 },
    ]);
    t.deepEqual(
      manifest.checks.map(({ name }) => name),
      ["bundle part digests", "bundle tar digest", "bundle image size"],
    );
  }
});

test("resolveSource() opens a bundle over HTTP", async (t) => {
  const { folder, at, bundle, options } = await bundled();
  await using _ = folder;
  await using server = await serveFolder(folder.path);
  await convert(`${server.origin}/${basename(bundle.manifestPath)}`, at("out.raw"), { source: options });
  t.is(Buffer.compare(await readFile(at("out.raw")), disk), 0);
});

test("resolveSource() demands a key for a bundle, and the right one", async (t) => {
  const { folder, at, bundle, other, key } = await bundled();
  await using _ = folder;
  const missing = await failure(() => convert(bundle.manifestPath, at("out.raw")));
  t.is(missing.code, "ARGUMENT_INVALID");
  t.regex(missing.remedy!, /--key/);
  const wrong = await failure(() =>
    convert(bundle.manifestPath, at("out.raw"), { source: { privateKey: key(other) } }),
  );
  t.is(wrong.code, "KEY_MISMATCH");
  t.truthy(wrong.remedy);
});

test("resolveSource() insists on the signer's certificate when it is given one", async (t) => {
  const { folder, at, bundle, user, other, options } = await bundled();
  await using _ = folder;
  await convert(bundle.manifestPath, at("out.raw"), { source: { ...options, signer: user.certificate } });
  const error = await failure(() =>
    convert(bundle.manifestPath, at("no.raw"), { source: { ...options, signer: other.certificate } }),
  );
  t.is(error.code, "SIGNATURE_INVALID");
});

for (const [title, code, damage] of [
  ["a part that is missing", "SOURCE_NOT_FOUND", (part: string) => rm(part)],
  ["a part that is damaged", "CHECKSUM_MISMATCH", (part: string) => flip(part, 1000)],
  ["a part that is cut off", "CHECKSUM_MISMATCH", (part: string) => truncate(part, 100_000)],
  ["a part with bytes behind its end", "CHECKSUM_MISMATCH", (part: string) => appendFile(part, "x")],
] as const) {
  test(`runConversion() refuses ${title} with ${code}, names it and leaves nothing`, async (t) => {
    const { folder, at, bundle, options } = await bundled();
    await using _ = folder;
    const part = bundle.partNames.at(-2)!;
    await damage(at(part));
    const error = await failure(() => convert(bundle.manifestPath, at("out.raw"), { source: options }));
    t.is(error.code, code, error.message);
    t.regex(error.message, new RegExp(part.replaceAll(".", "\\.")));
    t.truthy(error.remedy);
    t.deepEqual(
      (await readdir(folder.path)).filter((name) => name.includes("out.raw")),
      [],
    );
  });
}

for (const [title, code, change] of [
  ["is cut in half", "MANIFEST_INVALID", (text: string) => text.slice(0, text.length / 2)],
  [
    "lists a part twice",
    "MANIFEST_INVALID",
    (text: string) => text.replace(/(<part index="0">.*?<\/part>)/s, "$1$1"),
  ],
  [
    "states another image size",
    "SIZE_MISMATCH",
    (text: string) => text.replace(/<size>\d+/, "<size>1234567"),
  ],
  [
    "states another digest",
    "CHECKSUM_MISMATCH",
    (text: string) =>
      text.replace(/<digest algorithm="SHA1">[0-9a-f]{40}/, `<digest algorithm="SHA1">${"0".repeat(40)}`),
  ],
] as const) {
  test(`runConversion() refuses a manifest that ${title} with ${code} and leaves nothing`, async (t) => {
    const { folder, at, bundle, options } = await bundled();
    await using _ = folder;
    const text = await readFile(bundle.manifestPath, "utf8");
    t.not(change(text), text);
    await writeFile(at("changed.manifest.xml"), change(text));
    const error = await failure(() =>
      convert(at("changed.manifest.xml"), at("out.raw"), { source: options }),
    );
    t.is(error.code, code, error.message);
    t.deepEqual(
      (await readdir(folder.path)).filter((name) => name.includes("out.raw")),
      [],
    );
  });
}

test("resolveSource() takes what stands in the place of a manifest for a broken manifest, never for a disk", async (t) => {
  const { folder, at } = await bundled();
  await using _ = folder;
  await writeFile(at("x.manifest.xml"), "<Error><Code>AccessDenied</Code></Error>");
  const error = await failure(() => convert(at("x.manifest.xml"), at("out.raw")));
  t.is(error.code, "MANIFEST_INVALID");
  t.regex(error.message, /AccessDenied/);
});

test("resolveSource() opens download manifests, of a bundle and of plain parts", async (t) => {
  const { folder, at, bundle, user, cloud, options } = await bundled();
  await using _ = folder;
  await using server = await serveFolder(folder.path);
  const { image } = parseBundleManifest(await readFile(bundle.manifestPath));
  const { privateKey } = options;
  const keys = unwrapBundleKeys(image, privateKey!.key);
  const parts = image.parts.map(({ index, fileName, sha1 }) => ({
    index,
    getUrl: `${server.origin.replace("//", "//imaging@")}/${fileName}?Signature=secret`,
    ...(sha1 === undefined ? {} : { sha1 }),
  }));
  const content = {
    fileFormat: "BUNDLE",
    encryptedKey: wrapBundleKey(keys.key, privateKey!.key),
    encryptedIv: wrapBundleKey(keys.iv, privateKey!.key),
    unbundledSizeBytes: disk.byteLength,
  } as const;
  const download = formatDownloadManifest(
    { content, sizeBytes: image.bundledSizeBytes, parts },
    cloud.privateKey,
  );
  await writeFile(at("bundle.dm"), download);
  const { manifest } = await convert(at("bundle.dm"), at("a.raw"), {
    source: { ...options, signer: cloud.certificate },
  });
  t.is(Buffer.compare(await readFile(at("a.raw")), disk), 0);
  t.notRegex(JSON.stringify(manifest), /secret/);
  const unsigned = await failure(() =>
    convert(at("bundle.dm"), at("b.raw"), { source: { ...options, signer: user.certificate } }),
  );
  t.is(unsigned.code, "SIGNATURE_INVALID");

  await writeFile(at("half.0"), disk.subarray(0, 2 * MiB));
  await writeFile(at("half.1"), disk.subarray(2 * MiB));
  const halves = ["half.0", "half.1"].map((name, index) => ({ index, getUrl: `${server.origin}/${name}` }));
  const raw = { content: { fileFormat: "RAW" }, sizeBytes: disk.byteLength, parts: halves } as const;
  await writeFile(at("raw.dm"), formatDownloadManifest(raw, cloud.privateKey));
  await convert(at("raw.dm"), at("c.raw"));
  t.is(Buffer.compare(await readFile(at("c.raw")), disk), 0);
});

test("resolveSource() opens an import manifest, whatever format its parts make together", async (t) => {
  const { folder, at } = await bundled();
  await using _ = folder;
  await using server = await serveFolder(folder.path);
  await convert(at("disk.raw"), at("disk.qcow2"));
  const image = await readFile(at("disk.qcow2"));
  const cut = 2 * MiB;
  await writeFile(at("p.0"), image.subarray(0, cut));
  await writeFile(at("p.1"), image.subarray(cut));
  const url = (name: string) => `${server.origin}/${name}?Signature=secret`;
  const part = (index: number, startByte: number, endByteInclusive: number) => ({
    index,
    startByte,
    endByteInclusive,
    key: `p.${index}`,
    headUrl: url(`p.${index}`),
    getUrl: url(`p.${index}`),
    deleteUrl: url(`p.${index}`),
  });
  const text = formatImportManifest({
    fileFormat: "RAW",
    importer: { name: "test", version: "1", release: "0" },
    selfDestructUrl: url("m"),
    sizeBytes: image.byteLength,
    volumeSizeGib: 1,
    parts: [part(0, 0, cut - 1), part(1, cut, image.byteLength - 1)],
  });
  await writeFile(at("import.manifest.xml"), text);
  const { plan } = await convert(at("import.manifest.xml"), at("out.raw"));
  t.is(plan.route, "spool");
  t.is(Buffer.compare(await readFile(at("out.raw")), disk), 0);
});

async function flip(path: string, at: number): Promise<void> {
  const content = await readFile(path);
  content[at]! ^= 1;
  await copyFile(path, `${path}.before`);
  await writeFile(path, content);
}
