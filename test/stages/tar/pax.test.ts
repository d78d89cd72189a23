import test from "ava";
import fc from "fast-check";
import { ImportError } from "../../../pipeline/errors.ts";
import { decimal, parsePax } from "../../../stages/tar/pax.ts";
import { failure } from "../../support/errors.ts";

function record(key: string, value: string): string {
  const body = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(body) + 1;
  while (Buffer.byteLength(`${length}${body}`) !== length) length++;
  return `${length}${body}`;
}

test("parsePax() reads records whose length counts bytes, also with newlines and = inside", (t) => {
  const text = record("path", "ü/b=c\nd") + record("size", "123");
  const { values } = parsePax(Buffer.from(text));
  t.deepEqual(
    [...values],
    [
      ["path", "ü/b=c\nd"],
      ["size", "123"],
    ],
  );
});

test("parsePax() keeps the last of repeated records, and all repeated sparse numbers in order", (t) => {
  const text =
    record("path", "old") +
    record("size", "1") +
    record("path", "new") +
    [1, 2, 3, 4]
      .map((n, at) => record(at % 2 === 0 ? "GNU.sparse.offset" : "GNU.sparse.numbytes", String(n)))
      .join("");
  const { values, sparseNumbers } = parsePax(Buffer.from(text));
  t.is(values.get("path"), "new");
  t.is(values.get("size"), "1");
  t.deepEqual(sparseNumbers, [1, 2, 3, 4]);
});

test("parsePax() fails with ARCHIVE_INVALID for lengths that lie", async (t) => {
  for (const text of ["9 path=a", "99 path=a\n", "1 a=b\n", "x a=b\n", "7 path\n", " a=b\n", "0 a=b\n"]) {
    t.is((await failure(() => parsePax(Buffer.from(text)))).code, "ARCHIVE_INVALID", text);
  }
});

test("parsePax() throws nothing but ARCHIVE_INVALID for any bytes", (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parsePax(bytes);
      } catch (error) {
        return error instanceof ImportError && error.code === "ARCHIVE_INVALID";
      }
      return true;
    }),
  );
  t.pass();
});

test("decimal() takes counts of bytes only", async (t) => {
  t.is(decimal("9007199254740991"), Number.MAX_SAFE_INTEGER);
  for (const text of ["", "-1", "1.5", "0x10", "9007199254740992", " 1"]) {
    t.is((await failure(() => decimal(text))).code, "ARCHIVE_INVALID", text);
  }
});
