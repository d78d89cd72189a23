import test from "ava";
import { byteReader } from "../../../stages/byte-reader.ts";
import {
  type MemberHeaders,
  MAX_TAR_ENTRIES,
  NOTHING_SEEN,
  memberHeaders,
} from "../../../stages/tar/member-headers.ts";
import { chunked } from "../../support/bytes.ts";
import { failure } from "../../support/errors.ts";
import { END_MARK, entry, pax } from "./archive.ts";

/** The headers of members without data. */
async function read(...blocks: readonly Uint8Array[]): Promise<readonly MemberHeaders[]> {
  const headers = memberHeaders(byteReader(chunked(Buffer.concat(blocks), 100)), NOTHING_SEEN);
  const found: MemberHeaders[] = [];
  for (let one = await headers.next(); one !== undefined; one = await headers.next()) found.push(one);
  return found;
}

const codeOf = async (...blocks: readonly Uint8Array[]): Promise<string> =>
  (await failure(() => read(...blocks, END_MARK))).code;

test("memberHeaders() gives each header of a file or folder, up to the end mark", async (t) => {
  const found = await read(entry("a"), entry("b/", { type: "5" }), entry("c", { type: "7" }), END_MARK);
  t.deepEqual(
    found.map(({ header, extensions }) => [header.type, extensions]),
    [
      ["0", []],
      ["5", []],
      ["7", []],
    ],
  );
});

test("memberHeaders() puts global records in front of those of each member", async (t) => {
  const [first, second] = await read(
    pax({ comment: "one", path: "global" }, "g"),
    entry("a"),
    pax({ comment: "two" }, "g"),
    pax({ path: "own" }),
    entry("b"),
    END_MARK,
  );
  t.deepEqual(Object.fromEntries(first!.records.values), { comment: "one", path: "global" });
  t.deepEqual(Object.fromEntries(second!.records.values), { comment: "two", path: "own" });
  t.true(Buffer.from(first!.extensions[0]!).includes("path=global\n"));
  const text = Buffer.from(second!.extensions[0]!).toString();
  t.true(text.indexOf("path=own") > text.indexOf("path=global"));
});

test("memberHeaders() keeps the own records of a member when a global header comes between", async (t) => {
  const [only] = await read(pax({ path: "own" }), pax({ path: "global" }, "g"), entry("a"), END_MARK);
  t.is(only!.records.values.get("path"), "own");
});

test("memberHeaders() drops extended headers without content, link targets and volume labels", async (t) => {
  const found = await read(
    entry("label", { type: "V" }),
    entry("pax", { type: "x" }),
    entry("pax", { type: "g" }),
    entry("link", { type: "L" }),
    entry("link", { type: "K", content: "target\0" }),
    entry("a"),
    END_MARK,
  );
  t.is(found.length, 1);
  t.deepEqual(found[0]!.extensions, []);
});

test("memberHeaders() fails with ARCHIVE_UNSAFE for everything that is no file or folder", async (t) => {
  for (const type of "12346ANMXabz?") t.is(await codeOf(entry("a", { type })), "ARCHIVE_UNSAFE", type);
});

test("memberHeaders() fails with ARCHIVE_INVALID for what tar-stream would guess at", async (t) => {
  const archives = {
    "a size with a letter": entry("a", { size: "0000000012x" }),
    "a decimal size": entry("a", { size: "00000000019" }),
    "a negative size": entry("a", { size: "\xff".repeat(12) }),
    "a PAX size with a letter": Buffer.concat([pax({ size: "12x" }), entry("a")]),
    "a negative PAX size": Buffer.concat([pax({ size: "-1" }), entry("a")]),
    "an empty PAX size": Buffer.concat([pax({ size: "" }), entry("a")]),
    "a malformed PAX record": Buffer.concat([entry("x", { type: "x", content: "9 path" }), entry("a")]),
    "a record that reaches from one header into another": Buffer.concat([
      entry("x", { type: "g", content: "19 path=" }),
      entry("x", { type: "x", content: "0123456789\n" }),
      entry("a"),
    ]),
  };
  for (const [what, archive] of Object.entries(archives))
    t.is(await codeOf(archive), "ARCHIVE_INVALID", what);
});

test("memberHeaders() fails with ARCHIVE_INVALID where the archive ends without its mark", async (t) => {
  const whole = Buffer.concat([pax({ path: "a" }), entry("a")]);
  for (let end = 0; end <= whole.byteLength; end += 128) {
    t.is((await failure(() => read(whole.subarray(0, end)))).code, "ARCHIVE_INVALID", `cut at ${end}`);
  }
});

test("memberHeaders() bounds extended headers, global ones together, and the number of entries", async (t) => {
  const most = Buffer.alloc(4 * 1024 * 1024);
  t.is((await read(entry("n", { type: "L", content: most }), entry("a"), END_MARK)).length, 1);
  const tooLong = entry("n", { type: "L", content: Buffer.alloc(most.byteLength + 1) });
  t.is(await codeOf(tooLong, entry("a")), "ARCHIVE_UNSAFE");
  const global = pax({ comment: "c".repeat(32_700) }, "g");
  t.is((await read(global, global, entry("a"), END_MARK)).length, 1);
  t.is(await codeOf(global, global, global, entry("a")), "ARCHIVE_UNSAFE");
  const entries = Buffer.concat(Array.from({ length: MAX_TAR_ENTRIES }, () => entry("a")));
  t.is((await read(entries, END_MARK)).length, MAX_TAR_ENTRIES);
  t.is(await codeOf(entries, entry("a")), "ARCHIVE_UNSAFE");
});
