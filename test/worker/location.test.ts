import test from "ava";
import {
  locationBaseName,
  locationExtension,
  locationName,
  parseLocation,
  siblingLocation,
} from "../../worker/location.ts";
import { failure } from "../support/errors.ts";

for (const [text, name, base, extension] of [
  ["disk.raw", "disk.raw", "disk.raw", ".raw"],
  ["/a b/disk.QCOW2", "/a b/disk.QCOW2", "disk.QCOW2", ".qcow2"],
  ["-", "-", "", ""],
  ["file:///tmp/x.img", "/tmp/x.img", "x.img", ".img"],
  ["s3://bucket/some/key.vmdk", "s3://bucket/some/key.vmdk", "key.vmdk", ".vmdk"],
  ["https://user:secret@host/dir/disk.img?Signature=secret", "https://host/dir/disk.img", "disk.img", ".img"],
] as const) {
  test(`parseLocation() reads ${text.replace(/\?.*/, "?…")} and its name holds no secret`, (t) => {
    const location = parseLocation(text);
    t.is(locationName(location), name);
    t.is(locationBaseName(location), base);
    t.is(locationExtension(location), extension);
  });
}

for (const text of ["", "ftp://host/file", "s3://bucket", "s3:///key", "http://", "gs://b/k?token=secret"]) {
  test(`parseLocation() refuses "${text.replace(/\?.*/, "")}" with ARGUMENT_INVALID and without its query`, async (t) => {
    const error = await failure(() => parseLocation(text));
    t.is(error.code, "ARGUMENT_INVALID");
    t.truthy(error.remedy);
    t.notRegex(error.message, /secret/);
  });
}

test("siblingLocation() finds the file beside, for every kind of location that has a place", async (t) => {
  const sibling = (text: string) => locationName(siblingLocation(parseLocation(text), "disk.part.00"));
  t.is(sibling("disk.manifest.xml"), "disk.part.00");
  t.is(sibling("/a/b/disk.manifest.xml"), "/a/b/disk.part.00");
  t.is(sibling("s3://bucket/p/q/disk.manifest.xml"), "s3://bucket/p/q/disk.part.00");
  t.is(sibling("s3://bucket/disk.manifest.xml"), "s3://bucket/disk.part.00");
  t.is(sibling("http://host/p/disk.manifest.xml?X=1"), "http://host/p/disk.part.00");
  t.is((await failure(() => sibling("-"))).code, "ARGUMENT_INVALID");
});

test("siblingLocation() lets no file name lead away from an address", (t) => {
  const location = siblingLocation(parseLocation("https://host/p/m.xml"), "//evil/x?y#z");
  t.is(locationName(location), "https://host/p/%2F%2Fevil%2Fx%3Fy%23z");
});
