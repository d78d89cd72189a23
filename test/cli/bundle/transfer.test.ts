import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { folderPlace, type BundlePlace } from "../../../cli/bundle/place.ts";
import { expectTotal, partBytes, transferBundle } from "../../../cli/bundle/transfer.ts";
import { parseBundleManifest } from "../../../manifest/bundle.ts";
import { collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { BUNDLE_PROGRAMS, opensslBundle } from "../../support/openssl-bundle.ts";
import { requires } from "../../support/requires.ts";

const test = requires(...BUNDLE_PROGRAMS);

/** A bundle in one folder and an empty one to copy it to. */
async function scene() {
  const made = await opensslBundle();
  await mkdir(made.file("to"));
  const text = await readFile(made.bundle.manifestPath);
  const transfer = {
    manifest: parseBundleManifest(text),
    document: { fileName: "disk.img.manifest.xml", text },
    from: folderPlace(made.folder),
    to: folderPlace(made.file("to")),
    overwrite: false,
  };
  return { made, transfer, to: made.file("to"), [Symbol.asyncDispose]: () => made[Symbol.asyncDispose]() };
}

test("transferBundle() copies every part, and the manifest last", async (t) => {
  await using here = await scene();
  const stored: string[] = [];
  const onStored = (fileName: string) => Promise.resolve(void stored.push(fileName));
  const context = testContext();
  const receipts = await transferBundle({ ...here.transfer, onStored }, context);
  t.is(receipts.length, here.made.bundle.partNames.length + 1);
  t.is(stored.at(-1), "disk.img.manifest.xml");
  t.deepEqual(stored.slice(0, -1).toSorted(), here.made.bundle.partNames.toSorted());
  for (const name of stored) {
    t.true((await readFile(join(here.to, name))).equals(await readFile(join(here.made.folder, name))), name);
  }
  const { bundledSizeBytes } = here.transfer.manifest.image;
  t.like(context.events.at(-1), { kind: "finished", step: "copy parts", doneBytes: bundledSizeBytes });
});

test("transferBundle() that is aborted half-way rejects with the reason and removes what it copied", async (t) => {
  await using here = await scene();
  const controller = new AbortController();
  const reason = new Error("enough");
  const onStored = () => Promise.resolve(controller.abort(reason));
  const context = testContext({ signal: controller.signal });
  t.is(await t.throwsAsync(transferBundle({ ...here.transfer, onStored }, context)), reason);
  t.deepEqual(await readdir(here.to), []);
});

test("transferBundle() removes what it copied when the manifest cannot be stored", async (t) => {
  await using here = await scene();
  const error = new Error("no manifest");
  const to: BundlePlace = {
    ...here.transfer.to,
    destination: (fileName, options) =>
      fileName.endsWith(".xml")
        ? { name: fileName, open: () => Promise.reject(error) }
        : here.transfer.to.destination(fileName, options),
  };
  t.is(await t.throwsAsync(transferBundle({ ...here.transfer, to }, testContext())), error);
  t.deepEqual(await readdir(here.to), []);
});

test("transferBundle() keeps the first error when cleaning up fails as well, and tells of that", async (t) => {
  await using here = await scene();
  const warnings: string[] = [];
  const to: BundlePlace = { ...here.transfer.to, remove: () => Promise.reject(new Error("also broken")) };
  const error = new Error("first");
  const onStored = () => Promise.reject(error);
  const log = { debug() {}, warn: (message: string) => void warnings.push(message) };
  t.is(await t.throwsAsync(transferBundle({ ...here.transfer, to, onStored }, testContext({ log }))), error);
  t.deepEqual(warnings, ["cannot remove what was copied already"]);
});

test("transferBundle() throws SIZE_MISMATCH when the parts are not as long as the manifest states", async (t) => {
  await using here = await scene();
  const { manifest } = here.transfer;
  const wrong = {
    ...manifest,
    image: { ...manifest.image, bundledSizeBytes: manifest.image.bundledSizeBytes + 1 },
  };
  const error = await failure(() => transferBundle({ ...here.transfer, manifest: wrong }, testContext()));
  t.is(error.code, "SIZE_MISMATCH");
  t.deepEqual(await readdir(here.to), []);
  t.is((await failure(() => expectTotal(manifest, 0, here.transfer.from))).code, "SIZE_MISMATCH");
});

test("partBytes() throws CHECKSUM_MISMATCH naming the part, and passes a part without digest", async (t) => {
  await using here = await scene();
  const part = here.transfer.manifest.image.parts[0]!;
  const source = here.transfer.from.source(part.fileName);
  const wrong = { ...part, sha1: "0".repeat(40) };
  const error = await failure(() => collect(partBytes(wrong, source, testContext())));
  t.is(error.code, "CHECKSUM_MISMATCH");
  t.true(error.message.includes(part.fileName));
  const { index, fileName } = part;
  const content = await collect(partBytes({ index, fileName }, source, testContext()));
  t.deepEqual(content, await readFile(join(here.made.folder, fileName)));
});
