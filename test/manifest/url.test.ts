import test from "ava";
import { hasImagingMarker, publicName, withoutImagingMarker } from "../../manifest/url.ts";

for (const [url, expected] of [
  ["http://imaging@host:8773/a?b=1#c", "http://host:8773/a?b=1#c"],
  ["https://imaging:@host/a", "https://host/a"],
  ["http://host/a@b?x=imaging@", "http://host/a@b?x=imaging@"],
  ["http://imaging:secret@host/", "http://imaging:secret@host/"],
  ["http://other@host/%7Ea", "http://other@host/%7Ea"],
  ["imaging@host", "imaging@host"],
  ["", ""],
] as const) {
  test(`withoutImagingMarker() gives "${expected}" for "${url}"`, (t) => {
    t.is(withoutImagingMarker(url), expected);
  });
}

test("hasImagingMarker() is true for the marker alone", (t) => {
  t.true(hasImagingMarker("http://imaging@host/"));
  t.false(hasImagingMarker("http://imaging2@host/"));
  t.false(hasImagingMarker("http://host/imaging@"));
  t.false(hasImagingMarker("not a URL"));
});

for (const [url, expected] of [
  ["https://b.s3.amazonaws.com/k?X-Amz-Signature=1", "https://b.s3.amazonaws.com/k"],
  ["https://user:pass@host:1/a/b@c?d#e", "https://host:1/a/b@c"],
  ["https://user:p/ss@host/a", "https://…"],
  ["https://user:p?ss@host/a", "https://…"],
  ["s3://bucket/key", "s3://bucket/key"],
  ["http://host/a#fragment", "http://host/a"],
  ["http://host?a=1\nb=2", "http://host"],
  ["/tmp/disk.img", "/tmp/disk.img"],
  ["what?.img", "what?.img"],
] as const) {
  test(`publicName() gives "${expected}" for ${JSON.stringify(url)}`, (t) => {
    t.is(publicName(url), expected);
  });
}
