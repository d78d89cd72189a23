import { parseBundleKey, parseStoredBundle } from "../../../cli/options/bundle-flags.ts";
import { testIdentity } from "../../../fixtures/keys.ts";
import { s3Access } from "../../../stages/s3-access.ts";
import { failure } from "../../support/errors.ts";
import { requires } from "../../support/requires.ts";

const test = requires("openssl");
const s3 = s3Access();

test("parseStoredBundle() reads the manifest from the bucket, or from a local copy", (t) => {
  const stored = parseStoredBundle({ bucket: "b/p", prefix: "disk" }, s3);
  t.is(stored.manifestPlace.nameOf(stored.manifestFile), "s3://b/p/disk.manifest.xml");
  t.true(stored.isManifestStored);
  const local = parseStoredBundle({ bucket: "b/p", localManifest: "x/y.xml" }, s3);
  t.is(local.manifestPlace.nameOf(local.manifestFile), "x/y.xml");
  t.is(local.parts.nameOf("part"), "s3://b/p/part");
  t.false(local.isManifestStored);
});

for (const flags of [{}, { manifest: "a", prefix: "b" }, { manifest: "a", localManifest: "b" }]) {
  test(`parseStoredBundle() refuses ${JSON.stringify(flags)} with ARGUMENT_INVALID`, async (t) => {
    const error = await failure(() => parseStoredBundle({ bucket: "b", ...flags }, s3));
    t.is(error.code, "ARGUMENT_INVALID");
    t.regex(error.remedy!, /-m MANIFEST/);
  });
}

test("parseBundleKey() takes the flag before the environment, and may find none", async (t) => {
  const [user, cloud] = await Promise.all([testIdentity("user"), testIdentity("cloud")]);
  const environment = { variables: { EC2_PRIVATE_KEY: cloud.keyPath } };
  t.is((await parseBundleKey(user.keyPath, environment))?.name, user.keyPath);
  t.is((await parseBundleKey(undefined, environment))?.name, cloud.keyPath);
  t.is(await parseBundleKey(undefined, { variables: {} }), undefined);
});
