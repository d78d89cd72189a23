import test from "ava";
import { compare, contentRange, sight } from "../../../stages/sources/http-sight.ts";
import { failure } from "../../support/errors.ts";

test("contentRange() reads the forms of RFC 9110 and nothing else", (t) => {
  const read = (text: string) => contentRange({ "content-range": text });
  t.deepEqual(read("bytes 0-9/100"), { first: 0, last: 9, totalBytes: 100 });
  t.deepEqual(read("bytes 5-9/*"), { first: 5, last: 9, totalBytes: undefined });
  t.deepEqual(read("bytes */100"), { first: 0, last: -1, totalBytes: 100 });
  for (const text of ["", "bytes 0-9", "items 0-9/100", "bytes 0-9/-1", "bytes 0-9/99999999999999999999"]) {
    t.is(read(text), undefined, text);
  }
  t.is(contentRange({}), undefined);
});

test("sight() takes the size from where the status puts it", (t) => {
  t.like(sight({ status: 200, headers: { "content-length": "7" } }), { sizeBytes: 7, seekable: false });
  const ranged = { "content-length": "1", "content-range": "bytes 0-0/7" };
  t.like(sight({ status: 206, headers: ranged }), { sizeBytes: 7, seekable: true });
  t.like(sight({ status: 200, headers: {} }), { sizeBytes: undefined });
});

test("compare() lets a date differ where the ETag is the same", async (t) => {
  const first = { sizeBytes: 7, etag: '"a"', modified: "Monday", seekable: true };
  const answer = (etag: string | undefined, modified: string) => ({
    status: 200,
    headers: { "content-length": "7", "last-modified": modified, ...(etag === undefined ? {} : { etag }) },
  });
  compare(answer('"a"', "Tuesday"), first, "file");
  t.is((await failure(() => compare(answer('"b"', "Monday"), first, "file"))).code, "SOURCE_CHANGED");
  t.is((await failure(() => compare(answer(undefined, "Tuesday"), first, "file"))).code, "SOURCE_CHANGED");
});
