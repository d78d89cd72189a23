import test from "ava";
import { bundleSiteOf, bundleTarget } from "../../../cli/bundle/bundle-target.ts";
import { testIdentity } from "../../../fixtures/keys.ts";
import { s3Access } from "../../../stages/s3-access.ts";
import { parseLocation } from "../../../worker/location.ts";
import { testCli } from "../../support/cli.ts";
import { requires } from "../../support/requires.ts";

for (const [text, found] of [
  ["out/web.manifest.xml", { site: { folder: "out" }, prefix: "web" }],
  ["web.manifest.xml", { site: { folder: "." }, prefix: "web" }],
  ["s3://b/web.manifest.xml", { site: { bucket: "b", prefix: "" }, prefix: "web" }],
  ["s3://b/p/q/web.v1.manifest.xml", { site: { bucket: "b", prefix: "p/q/" }, prefix: "web.v1" }],
  [".manifest.xml", undefined],
  ["web.xml", undefined],
  ["web.raw", undefined],
  ["https://host/web.manifest.xml", undefined],
  ["-", undefined],
] as const) {
  test(`bundleSiteOf() ${found === undefined ? "finds no bundle in" : "reads"} ${text}`, (t) => {
    t.deepEqual(bundleSiteOf(parseLocation(text)), found);
  });
}

requires("openssl")("bundleTarget() is named by its manifest, and has a place beside it", async (t) => {
  const { certificate } = await testIdentity("user");
  const content = { user: "1", recipients: { user: certificate.publicKey } };
  const { input, output } = testCli();
  const access = { s3: s3Access(), input, output: output.stream };
  for (const [site, name] of [
    [{ folder: "out" }, "out/web.manifest.xml"],
    [{ bucket: "b", prefix: "p/" }, "s3://b/p/web.manifest.xml"],
  ] as const) {
    const target = bundleTarget({ site, prefix: "web", content, overwrite: false }, "1.0.0", access);
    t.like(target, { name, kind: "bundle", format: { format: "raw" } });
    t.is(target.beside?.(".json").name, `${name}.json`);
  }
});
