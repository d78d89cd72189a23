import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { seededDisk } from "../../../fixtures/seeded.ts";
import type { Source } from "../../../pipeline/contract.ts";
import { fileSource } from "../../../stages/sources/file.ts";
import { tarMemberSource } from "../../../stages/sources/tar-member.ts";
import { MAX_TAR_ENTRIES } from "../../../stages/tar/member-headers.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { END_MARK, entry, pax } from "../tar/archive.ts";

const folder = mkdtempSync(join(tmpdir(), "diskferry-member-"));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
const path = (name: string): string => join(folder, name);
const pack = (...args: readonly string[]): Buffer =>
  execFileSync("tar", ["-c", "-C", folder, ...args], { maxBuffer: 2 ** 30 });

const disk = seededDisk("member", { sizeBytes: 300_017 });
writeFileSync(path("disk.img"), disk);
writeFileSync(path("other.img"), "another");
writeFileSync(path("holes.img"), "data");
truncateSync(path("holes.img"), 10_000_000);

test("tarMemberSource() gives a member from any byte on, reading no other member", async (t) => {
  writeFileSync(path("two.tar"), pack("other.img", "disk.img"));
  const source = tarMemberSource(fileSource(path("two.tar")), "disk.img");
  t.like(await source.facts(testContext()), { sizeBytes: disk.byteLength, seekable: true });
  for (const from of [0, 1, disk.byteLength - 1, disk.byteLength]) {
    t.true((await collect(source.bytes(testContext(), from))).equals(disk.subarray(from)));
  }
});

test("tarMemberSource() fails with MEMBER_NOT_FOUND, and SOURCE_UNSUITABLE for a sparse member", async (t) => {
  writeFileSync(path("both.tar"), pack("other.img", "disk.img"));
  writeFileSync(path("sparse.tar"), pack("--sparse", "holes.img"));
  const facts = (file: string, member?: string) => () =>
    tarMemberSource(fileSource(path(file)), member).facts(testContext());
  t.is((await failure(facts("both.tar"))).code, "MEMBER_NOT_FOUND");
  t.is((await failure(facts("both.tar", "missing"))).code, "MEMBER_NOT_FOUND");
  t.is((await failure(facts("sparse.tar"))).code, "SOURCE_UNSUITABLE");
});

function archiveOf(...entries: readonly Uint8Array[]): Source {
  const archive = Buffer.concat([...entries, END_MARK]);
  return {
    name: "an archive",
    facts: async () => ({ seekable: true }),
    bytes: (_context, fromByte = 0) => chunked(archive.subarray(fromByte)),
  };
}

test("tarMemberSource() applies global PAX records to every member, as untar() does", async (t) => {
  const archive = archiveOf(
    pax({ size: "3" }, "g"),
    entry("one", { content: "abcdef", size: "00000000000" }),
    entry("two", { content: "ghijkl", size: "00000000000" }),
  );
  const found = tarMemberSource(archive, "two");
  t.is((await collect(found.bytes(testContext()))).toString(), "ghi");
});

test("tarMemberSource() fails with ARCHIVE_UNSAFE for a bomb of entries", async (t) => {
  const bomb = archiveOf(...Array.from({ length: MAX_TAR_ENTRIES + 1 }, () => entry("a")));
  const error = await failure(() => tarMemberSource(bomb, "b").facts(testContext()));
  t.is(error.code, "ARCHIVE_UNSAFE");
});

test("tarMemberSource() fails with SOURCE_TRUNCATED when the archive ends inside the member", async (t) => {
  writeFileSync(path("cut.tar"), pack("disk.img").subarray(0, 100_000));
  const source = tarMemberSource(fileSource(path("cut.tar")), "disk.img");
  t.is((await failure(() => collect(source.bytes(testContext())))).code, "SOURCE_TRUNCATED");
});

test("tarMemberSource() fails with SOURCE_UNSUITABLE in an archive that cannot seek", async (t) => {
  const pipe = {
    name: "a pipe",
    facts: async () => ({ seekable: false }),
    bytes: () => fileSource(path("disk.img")).bytes(testContext()),
  };
  t.is((await failure(() => tarMemberSource(pipe).facts(testContext()))).code, "SOURCE_UNSUITABLE");
});
