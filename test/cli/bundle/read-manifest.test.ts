import { readFile } from "node:fs/promises";
import { readBundleManifest } from "../../../cli/bundle/read-manifest.ts";
import { testIdentity } from "../../../fixtures/keys.ts";
import { DEFAULT_XML_LIMITS } from "../../../manifest/xml.ts";
import type { Bytes, Source } from "../../../pipeline/contract.ts";
import { fileSource } from "../../../stages/sources/file.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { BUNDLE_PROGRAMS, opensslBundle } from "../../support/openssl-bundle.ts";
import { requires } from "../../support/requires.ts";

const test = requires(...BUNDLE_PROGRAMS);

test("readBundleManifest() gives text and meaning, and insists on a signer only when one is named", async (t) => {
  await using made = await opensslBundle(100_000);
  const [user, stranger] = await Promise.all([testIdentity("user"), testIdentity("stranger")]);
  const source = fileSource(made.bundle.manifestPath);
  const { text, manifest } = await readBundleManifest(source, testContext());
  t.deepEqual(Buffer.from(text), await readFile(made.bundle.manifestPath));
  t.is(manifest.image.sizeBytes, made.disk.byteLength);
  await readBundleManifest(source, testContext(), user.certificate);
  const error = await failure(() => readBundleManifest(source, testContext(), stranger.certificate));
  t.is(error.code, "SIGNATURE_INVALID");
});

test("readBundleManifest() stops reading what is too long to be one", async (t) => {
  let givenBytes = 0;
  const endless: Source = {
    name: "endless",
    facts: () => Promise.resolve({ seekable: false }),
    async *bytes(): Bytes {
      for (;;) {
        await Promise.resolve();
        givenBytes += 1024 ** 2;
        yield Buffer.alloc(1024 ** 2, " ");
      }
    },
  };
  t.is((await failure(() => readBundleManifest(endless, testContext()))).code, "MANIFEST_TOO_LARGE");
  t.true(givenBytes <= DEFAULT_XML_LIMITS.maxBytes + 2 * 1024 ** 2);
});
