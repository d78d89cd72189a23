import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { seededBytes, seededDisk } from "../../../fixtures/seeded.ts";
import { ImportError } from "../../../pipeline/errors.ts";
import { MAX_TAR_ENTRIES } from "../../../stages/tar/member-headers.ts";
import { tar } from "../../../stages/tar/writer.ts";
import { isTar, untar } from "../../../stages/transforms/untar.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { requires } from "../../support/requires.ts";
import { PROPERTY_RUNS, transformContract } from "./contract.ts";

const folder = await mkdtemp(join(tmpdir(), "diskferry-untar-"));

const path = (name: string): string => join(folder, name);
const pack = (...args: readonly string[]): Buffer =>
  execFileSync("tar", ["-c", "-C", folder, ...args], { maxBuffer: 2 ** 30 });
const unpack = (archive: Uint8Array, member?: string): Promise<Buffer> =>
  collect(untar(member === undefined ? {} : { member }).transform(chunked(archive), testContext()));

const disk = seededDisk("untar", { sizeBytes: 3_000_017 });
writeFileSync(path("disk.img"), disk);
writeFileSync(path("other.img"), "another");
const longName = `${"deep/".repeat(30)}${"n".repeat(90)}.img`;
mkdirSync(path("deep/".repeat(30)), { recursive: true });
writeFileSync(path(longName), disk);
symlinkSync("disk.img", path("link.img"));
linkSync(path("disk.img"), path("hard.img"));

/** Holes at both ends, and more runs than fit the header and an extension block of old GNU (4 and 21). */
async function sparseDisk(name: string, runCount: number): Promise<Buffer> {
  const whole = Buffer.alloc((runCount * 2 + 2) * 65_536);
  await using file = await open(path(name), "w");
  for (let run = 0; run < runCount; run++) {
    const bytes = seededBytes(`run ${run}`, 4096);
    const offset = (run * 2 + 1) * 65_536;
    bytes.copy(whole, offset);
    await file.write(bytes, 0, bytes.byteLength, offset);
  }
  truncateSync(path(name), whole.byteLength);
  return whole;
}

const holes = await sparseDisk("holes.img", 26);
test.after.always(() => rm(folder, { recursive: true, force: true }));

const small = seededDisk("contract", { sizeBytes: 200_000 });

transformContract(test, {
  symbol: "untar()",
  stage: () => untar(),
  input: () =>
    collect(tar({ name: "disk.img", sizeBytes: 200_000 }).transform(chunked(small), testContext())),
  output: async () => small,
  whenEmpty: { code: "ARCHIVE_INVALID" },
  pullsAhead: 0,
});

const sparseFormats = {
  "old GNU": ["--format=gnu"],
  "PAX 0.0": ["--format=pax", "--sparse-version=0.0"],
  "PAX 0.1": ["--format=pax", "--sparse-version=0.1"],
  "PAX 1.0": ["--format=pax", "--sparse-version=1.0"],
} as const;

for (const [format, options] of Object.entries(sparseFormats)) {
  for (const runCount of [0, 1, 4, 5, 25, 26, 120]) {
    requires("tar")(
      `untar() fills the holes of a sparse member with ${runCount} runs in ${format} format`,
      async (t) => {
        const name = `sparse-${format.replaceAll(" ", "-")}-${runCount}.img`;
        const whole = await sparseDisk(name, runCount);
        const archive = pack("--sparse", ...options, name);
        t.true(archive.byteLength < whole.byteLength, "GNU tar has found the holes");
        t.true((await unpack(archive)).equals(whole));
      },
    );
  }
}

for (const format of ["gnu", "oldgnu", "pax", "posix", "ustar", "v7"]) {
  test(`untar() takes the only file out of an archive in ${format} format`, async (t) => {
    t.true((await unpack(pack(`--format=${format}`, "disk.img"))).equals(disk));
  });
}

for (const format of ["gnu", "pax"]) {
  test(`untar() finds a file by its long name in ${format} format`, async (t) => {
    t.true((await unpack(pack(`--format=${format}`, "deep", "other.img"), longName)).equals(disk));
  });
}

test("untar() reads a base-256 size of more than 8 GiB", async (t) => {
  const sizeBytes = 8 * 1024 ** 3 + 5;
  const piece = Buffer.alloc(1024 * 1024);
  async function* zeros() {
    for (let left = sizeBytes; left > 0; left -= piece.byteLength)
      yield piece.subarray(0, Math.min(left, piece.byteLength));
  }
  let seenBytes = 0;
  const archive = tar({ name: "big.img", sizeBytes }).transform(zeros(), testContext());
  for await (const chunk of untar().transform(archive, testContext())) seenBytes += chunk.byteLength;
  t.is(seenBytes, sizeBytes);
});

test("untar() takes the named one of several files, with or without ./ in front", async (t) => {
  t.true((await unpack(pack("other.img", "./disk.img"), "disk.img")).equals(disk));
  t.true((await unpack(pack("disk.img", "other.img"), "./disk.img")).equals(disk));
});

test("untar() fails with MEMBER_NOT_FOUND, naming what there is", async (t) => {
  for (const member of [undefined, "missing.img"]) {
    const error = await failure(() => unpack(pack("other.img", "disk.img"), member));
    t.is(error.code, "MEMBER_NOT_FOUND");
    t.regex(error.message, /"other\.img", "disk\.img"/);
  }
  t.is((await failure(() => unpack(Buffer.alloc(10_240)))).code, "MEMBER_NOT_FOUND");
});

test("untar() fails with ARCHIVE_UNSAFE for links, devices and paths that try to escape", async (t) => {
  const archives = {
    "a symbolic link": pack("link.img"),
    "a hard link": pack("disk.img", "hard.img"),
    "an absolute path": pack("-P", path("disk.img")),
    "a path with ..": pack("-P", `../${folder.split("/").at(-1)}/disk.img`),
    "a rewritten path": pack("--transform=s,disk,a/../../disk,", "-P", "disk.img"),
  };
  for (const [what, archive] of Object.entries(archives)) {
    t.is((await failure(() => unpack(archive))).code, "ARCHIVE_UNSAFE", what);
  }
});

test("untar() fails with ARCHIVE_UNSAFE for a bomb of entries", async (t) => {
  const empty = (
    await collect(tar({ name: "a", sizeBytes: 0 }).transform(chunked(Buffer.alloc(0)), testContext()))
  ).subarray(0, 512);
  const bomb = Buffer.concat([
    ...Array.from({ length: MAX_TAR_ENTRIES + 1 }, () => empty),
    Buffer.alloc(1024),
  ]);
  t.is((await failure(() => unpack(bomb))).code, "ARCHIVE_UNSAFE");
});

test("untar() fails with SIZE_EXCEEDED before the first byte of an image that is too large", async (t) => {
  const context = testContext({ limits: { maxImageBytes: disk.byteLength - 1, maxRatio: 1 } });
  const output = untar().transform(chunked(pack("disk.img")), context);
  t.is((await failure(() => output[Symbol.asyncIterator]().next())).code, "SIZE_EXCEEDED");
});

test("untar() fails with ARCHIVE_INVALID wherever the archive is cut before its end mark", async (t) => {
  const archive = pack("disk.img");
  const endMark = 512 + Math.ceil(disk.byteLength / 512) * 512;
  for (const end of [1, 511, 512, 513, 100_000, 512 + disk.byteLength, endMark - 1, endMark]) {
    t.is((await failure(() => unpack(archive.subarray(0, end)))).code, "ARCHIVE_INVALID", `cut at ${end}`);
  }
  t.true((await unpack(archive.subarray(0, endMark + 512))).equals(disk));
});

test("untar() reads what follows the end mark, and fails with TRAILING_DATA when it is more than padding", async (t) => {
  const archive = pack("disk.img");
  let readBytes = 0;
  async function* counted() {
    for await (const chunk of chunked(archive)) {
      readBytes += chunk.byteLength;
      yield chunk;
    }
  }
  await collect(untar().transform(counted(), testContext()));
  t.is(readBytes, archive.byteLength);
  const error = await failure(() => unpack(Buffer.concat([archive, Buffer.from("garbage")])));
  t.is(error.code, "TRAILING_DATA");
});

test("untar() fails with a code, or gives the same, for any damaged byte of the headers", async (t) => {
  const archives = Object.values(sparseFormats).map((options) => pack("--sparse", ...options, "holes.img"));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...archives), fc.nat(4096), fc.nat(255), async (archive, at, value) => {
      const damaged = Buffer.from(archive);
      damaged[at] = value;
      await unpack(damaged).catch((error: unknown) => {
        if (!(error instanceof ImportError)) throw error;
      });
    }),
    { numRuns: PROPERTY_RUNS * 5 },
  );
  t.pass();
});

test("isTar() knows archives of every format, and no disk for one", (t) => {
  for (const format of ["gnu", "pax", "ustar", "v7"]) t.true(isTar(pack(`--format=${format}`, "disk.img")));
  t.false(isTar(disk));
  t.false(isTar(Buffer.alloc(512)));
  t.false(isTar(pack("disk.img").subarray(0, 511)));
});

test("untar() takes a sparse file from among others", async (t) => {
  t.true((await unpack(pack("--sparse", "disk.img", "holes.img"), "holes.img")).equals(holes));
});
