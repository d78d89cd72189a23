import { mkdir, readFile } from "node:fs/promises";
import { folderPlace } from "../../../cli/bundle/place.ts";
import { requireKey, unbundleDestination, unbundleTo } from "../../../cli/bundle/unbundle.ts";
import type { Session } from "../../../cli/command.ts";
import { output } from "../../../cli/output.ts";
import { testIdentity } from "../../../fixtures/keys.ts";
import { parseBundleManifest } from "../../../manifest/bundle.ts";
import { fileDestination } from "../../../stages/destinations/file.ts";
import { withRun } from "../../../worker/run-context.ts";
import { testCli } from "../../support/cli.ts";
import { failure } from "../../support/errors.ts";
import { BUNDLE_PROGRAMS, opensslBundle } from "../../support/openssl-bundle.ts";
import { requires } from "../../support/requires.ts";

const test = requires(...BUNDLE_PROGRAMS);

function session(): Session {
  const environment = testCli();
  const mode = { json: false, quiet: false, trace: false };
  return {
    environment,
    mode,
    output: output(environment, mode),
    run: () => Promise.reject(new Error("not run")),
  };
}

test("unbundleTo() says what it checked, and not more", async (t) => {
  await using made = await opensslBundle();
  const { privateKey } = await testIdentity("user");
  const manifest = parseBundleManifest(await readFile(made.bundle.manifestPath));
  const { digest: _none, ...image } = manifest.image;
  for (const [given, checked] of [
    [manifest, [/^SHA-1 of \d+ parts$/, /tar stream/, /size/]],
    [
      { ...manifest, image: { ...image, parts: image.parts.map(({ sha1: _sha1, ...part }) => part) } },
      [/size/],
    ],
  ] as const) {
    const destination = fileDestination(made.file("out.raw"), { overwrite: true });
    const unbundling = {
      manifest: given,
      name: "m",
      parts: folderPlace(made.folder),
      key: { key: privateKey, name: "k" },
      destination,
    };
    const signal = new AbortController().signal;
    const { value } = await withRun({ signal }, (context) => unbundleTo(unbundling, context));
    t.like(value, { image: "disk.img", sizeBytes: made.disk.byteLength });
    const found: readonly string[] = JSON.parse(JSON.stringify(value)).checked;
    t.is(found.length, checked.length);
    for (const [index, pattern] of checked.entries()) t.regex(found[index]!, pattern);
    t.true((await readFile(made.file("out.raw"))).equals(made.disk));
  }
});

test("unbundleDestination() puts the image's name into a folder, and takes any other path as it is", async (t) => {
  await using made = await opensslBundle(100_000);
  const manifest = parseBundleManifest(await readFile(made.bundle.manifestPath));
  await mkdir(made.file("out"));
  const at = async (place: string) => (await unbundleDestination(place, manifest, false, session())).name;
  t.is(await at(made.file("out")), made.file("out/disk.img"));
  t.is(await at(made.file("new.raw")), made.file("new.raw"));
  t.is(await at("-"), "-");
});

test("requireKey() throws ARGUMENT_INVALID without a key", async (t) => {
  const error = await failure(() => requireKey(undefined));
  t.is(error.code, "ARGUMENT_INVALID");
  t.regex(error.remedy!, /-k FILE/);
});
