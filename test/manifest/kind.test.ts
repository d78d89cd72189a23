import test from "ava";
import { MANIFEST_HEAD_BYTES, detectManifest, requireRoot } from "../../manifest/kind.ts";
import { failure } from "../support/errors.ts";
import { manifestSample } from "../support/manifests.ts";

for (const name of [
  "bundle-ec2-ami-tools",
  "bundle-euca2ools-2",
  "bundle-euca2ools-3",
  "import-aws-tools",
  "import-euca2ools",
  "download-bundle",
  "download-raw",
] as const) {
  test(`detectManifest() tells ${name} by its head, also behind a byte order mark`, (t) => {
    const kind = name.slice(0, name.indexOf("-"));
    for (const text of [manifestSample(name), `\u{feff}${manifestSample(name)}`]) {
      t.is<string | undefined, string>(detectManifest(Buffer.from(text).subarray(0, 200)), kind);
    }
  });
}

for (const [what, head] of Object.entries({
  nothing: Buffer.alloc(0),
  zeros: Buffer.alloc(MANIFEST_HEAD_BYTES),
  "another document": Buffer.from("<Error><Code>AccessDenied</Code></Error>"),
  "another version": Buffer.from("<manifest><version>1999-01-01</version>"),
  "a text that speaks of one": Buffer.from("see <manifest><version>2007-10-10</version>"),
  "4 KiB of brackets": Buffer.alloc(MANIFEST_HEAD_BYTES, "<version>"),
})) {
  test(`detectManifest() gives nothing for ${what}`, (t) => {
    t.is(detectManifest(head), undefined);
  });
}

const element = (name: string, ...children: readonly string[]) => ({
  name,
  attributes: [],
  text: "",
  children: children.map((child) => ({ name: child, attributes: [], text: "", children: [] })),
});

test("requireRoot() accepts a manifest of the kind, or of no kind that can be told", (t) => {
  const bundle = element("manifest", "image");
  t.is(requireRoot(bundle, "bundle"), bundle);
  t.notThrows(() => requireRoot(element("manifest"), "import"));
});

test("requireRoot() fails with MANIFEST_INVALID for another kind, naming both", async (t) => {
  const error = await failure(() => requireRoot(element("manifest", "image", "file-format"), "bundle"));
  t.is(error.code, "MANIFEST_INVALID");
  t.regex(error.message, /bundle.*download/);
});
