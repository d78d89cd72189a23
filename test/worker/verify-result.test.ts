import { readFile, rename, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { testIdentity } from "../../fixtures/keys.ts";
import { seededDisk } from "../../fixtures/seeded.ts";
import { parseLocation } from "../../worker/location.ts";
import { withRun } from "../../worker/run-context.ts";
import { type VerifyOptions, verifyResult } from "../../worker/verify-result.ts";
import { convert, type ConvertSettings, localAccess, temporaryFolder } from "../support/conversions.ts";
import { failure } from "../support/errors.ts";
import { requires } from "../support/requires.ts";

const test = requires("qemu-img", "qemu-nbd");
const disk = seededDisk("verify", { sizeBytes: 5 * 1024 * 1024 });

async function result(name: string, settings: ConvertSettings = {}) {
  const folder = await temporaryFolder();
  const at = (file: string) => join(folder.path, file);
  await writeFile(at("disk.img"), disk);
  await convert(at("disk.img"), at(name), settings);
  return { folder, path: at(name), manifestPath: at(`${name}.diskferry.json`), at };
}

async function verify(path: string, options: VerifyOptions = {}) {
  const signal = new AbortController().signal;
  return await withRun({ signal }, (context) =>
    verifyResult(parseLocation(path), options, localAccess(), context),
  );
}

for (const name of ["out.raw", "out.qcow2", "out.vmdk", "out.vhd", "out.vhdx", "out.vdi"]) {
  test(`verifyResult() confirms ${name} by reading all of it again`, async (t) => {
    const { folder, path } = await result(name);
    await using _ = folder;
    const { facts, manifest } = await verify(path);
    t.deepEqual(
      facts.map(({ what }) => what),
      ["format", "stored size", "virtual size", "disk digest"],
    );
    t.is(facts.at(-1)?.value, manifest.diskDigest.value);
  });
}

test("verifyResult() finds one changed byte of the disk with DIGEST_MISMATCH", async (t) => {
  const { folder, path } = await result("out.raw");
  await using _ = folder;
  const content = await readFile(path);
  content[3_000_000]! ^= 1;
  await writeFile(path, content);
  const error = await failure(() => verify(path));
  t.is(error.code, "DIGEST_MISMATCH");
  t.truthy(error.remedy);
});

test("verifyResult() finds a result of another length with SIZE_MISMATCH, and of another format with FORMAT_MISMATCH", async (t) => {
  const { folder, path, at } = await result("out.raw");
  await using _ = folder;
  await truncate(path, disk.byteLength - 512);
  t.is((await failure(() => verify(path))).code, "SIZE_MISMATCH");
  await convert(at("disk.img"), at("other.qcow2"));
  await writeFile(path, await readFile(at("other.qcow2")));
  t.is((await failure(() => verify(path))).code, "FORMAT_MISMATCH");
});

test("verifyResult() says what is missing when there is no manifest", async (t) => {
  const { folder, at } = await result("out.raw");
  await using _ = folder;
  const error = await failure(() => verify(at("disk.img")));
  t.is(error.code, "SOURCE_NOT_FOUND");
  t.regex(error.message, /disk\.img\.diskferry\.json/);
});

test("verifyResult() checks the signature of the manifest when it is given the signer", async (t) => {
  const [signer, other] = await Promise.all([testIdentity("signer"), testIdentity("other")]);
  const { folder, path, manifestPath } = await result("out.raw", {
    options: { signingKey: signer.privateKey },
  });
  await using _ = folder;
  t.is((await verify(path, { resultSigner: signer.certificate })).facts[0]?.what, "signature");
  t.is((await failure(() => verify(path, { resultSigner: other.certificate }))).code, "SIGNATURE_INVALID");
  const text = await readFile(manifestPath, "utf8");
  await writeFile(manifestPath, text.replace('"test"', '"tset"'));
  t.is((await failure(() => verify(path, { resultSigner: signer.certificate }))).code, "SIGNATURE_INVALID");
  t.truthy((await verify(path)).manifest, "an unsigned check still passes");
});

test("verifyResult() refuses a signature where none was made", async (t) => {
  const { folder, path } = await result("out.raw");
  await using _ = folder;
  const signer = await testIdentity("signer");
  t.is((await failure(() => verify(path, { resultSigner: signer.certificate }))).code, "SOURCE_NOT_FOUND");
});

test("verifyResult() fails with SOURCE_NOT_FOUND and says which file is missing, the manifest or the result", async (t) => {
  const { folder, path, manifestPath } = await result("out.raw");
  await using _ = folder;
  await rename(manifestPath, `${manifestPath}.away`);
  const error = await failure(() => verify(path));
  t.is(error.code, "SOURCE_NOT_FOUND");
  t.is(error.message, `Cannot verify "${path}" as its result manifest "${manifestPath}" does not exist`);
  t.regex(error.remedy!, /--manifest/);
  await rename(`${manifestPath}.away`, manifestPath);
  await rename(path, `${path}.away`);
  t.is((await failure(() => verify(path))).message, `Cannot read "${path}" as it does not exist`);
});
