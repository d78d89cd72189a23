import { execFile } from "node:child_process";
import { mkdir, mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import fc from "fast-check";
import { extract, pack } from "tar-stream";
import { seededBytes } from "../../../fixtures/seeded.ts";
import type { Bytes } from "../../../pipeline/contract.ts";
import { ImportError } from "../../../pipeline/errors.ts";
import { tarReader } from "../../../stages/tar/reader.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { failure } from "../../support/errors.ts";
import { requires } from "../../support/requires.ts";
import { END_MARK, entry, pax } from "./archive.ts";

interface Entry {
  readonly name: string;
  readonly content: Buffer;
}

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), "diskferry-tar-reader-"));
test.after.always(() => rm(folder, { recursive: true, force: true }));
const numRuns = Number(process.env["PROPERTY_RUNS"] ?? 15);

async function byOurs(archive: Uint8Array, chunkBytes = 65_536): Promise<readonly Entry[]> {
  const reader = tarReader(chunked(archive, chunkBytes));
  const entries: Entry[] = [];
  try {
    for (let member = await reader.next(); member !== undefined; member = await reader.next()) {
      entries.push({ name: member.name, content: await collect(member.bytes()) });
    }
    await reader.drain();
  } finally {
    await reader.close();
  }
  return entries;
}

/** tar-stream alone, as its own manual shows it. */
async function byTarStream(archive: Uint8Array): Promise<readonly Entry[]> {
  const options = { allowUnknownFormat: true, highWaterMark: archive.byteLength };
  const extracting = extract(options);
  extracting.end(archive);
  const entries: Entry[] = [];
  for await (const one of extracting) {
    const content = await collect(one as unknown as Bytes);
    if (one.header.type !== "directory" && !one.header.name.endsWith("/"))
      entries.push({ name: one.header.name, content });
  }
  return entries;
}

let unpackCount = 0;
async function byGnuTar(archive: Uint8Array, names: readonly string[]): Promise<readonly Entry[]> {
  const into = join(folder, `unpacked-${unpackCount++}`);
  await mkdir(into);
  const unpacking = run("tar", ["-x", "-C", into]);
  unpacking.child.stdin?.end(archive);
  await unpacking;
  const entries = names.map(async (name) => ({ name, content: await readFile(join(into, name)) }));
  return Promise.all(entries);
}

const isSame = (some: readonly Entry[], others: readonly Entry[]): boolean =>
  some.length === others.length &&
  some.every(({ name, content }, at) => name === others[at]!.name && content.equals(others[at]!.content));

const sizes = fc.oneof(fc.constantFrom(0, 1, 511, 512, 513), fc.nat(200_000));

test("tarReader() reads what tar-stream writes, as tar-stream itself does", async (t) => {
  const name = fc.stringMatching(/^[a-z]{1,60}(\/[a-zü]{1,90}){0,3}$/);
  const files = fc.array(fc.record({ name, sizeBytes: fc.nat(3000) }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(files, fc.integer({ min: 1, max: 2000 }), async (files, chunkBytes) => {
      const packing = pack();
      for (const { name, sizeBytes } of files) packing.entry({ name }, seededBytes(name, sizeBytes));
      packing.finalize();
      const archive = await collect(packing as unknown as Bytes);
      const found = await byOurs(archive, chunkBytes);
      return found.length === files.length && isSame(found, await byTarStream(archive));
    }),
    { numRuns },
  );
  t.pass();
});

const formats = {
  v7: { longestName: 60 },
  ustar: { longestName: 90 },
  oldgnu: { longestName: 200 },
  gnu: { longestName: 200 },
  pax: { longestName: 200 },
} as const;

let treeCount = 0;
/** Files in folders, some with holes, packed by GNU tar together with the folders. */
async function packTree(
  files: ReadonlyMap<string, { readonly sizeBytes: number; readonly hole: boolean }>,
  options: readonly string[],
): Promise<Buffer> {
  const root = join(folder, `tree-${treeCount++}`);
  for (const [name, { sizeBytes, hole }] of files) {
    const path = join(root, name);
    await mkdir(dirname(path), { recursive: true });
    await using file = await open(path, "w");
    await file.write(seededBytes(name, sizeBytes), 0, sizeBytes, hole ? 1_000_000 : 0);
    if (hole) await file.truncate(2_000_001);
  }
  const args = [...options, "-c", "-C", root, "--", ...files.keys()];
  const { stdout } = await run("tar", args, { encoding: "buffer", maxBuffer: 2 ** 28 });
  return stdout;
}

for (const [format, { longestName }] of Object.entries(formats)) {
  const name = fc
    .array(fc.stringMatching(/^[a-z][a-zü ]{0,48}$/), { minLength: 1, maxLength: 4 })
    .map((segments) => segments.join("/").slice(0, longestName).replace(/\/$/, "").trim());
  const tree = fc.array(fc.tuple(name, sizes), { minLength: 1, maxLength: 4 });

  requires("tar")(
    `tarReader(), tar-stream and GNU tar read the same from any ${format} archive`,
    async (t) => {
      await fc.assert(
        fc.asyncProperty(tree, fc.integer({ min: 100, max: 70_000 }), async (tree, chunkBytes) => {
          // Each in a folder of its own, so that no file has to be a folder as well.
          const files = new Map(
            tree.map(([name, sizeBytes], at) => [`${at}/${name}`, { sizeBytes, hole: false }] as const),
          );
          const archive = await packTree(files, [`--format=${format}`]);
          const found = await byOurs(archive, chunkBytes);
          return (
            isSame(found, await byTarStream(archive)) &&
            isSame(found, await byGnuTar(archive, [...files.keys()]))
          );
        }),
        { numRuns },
      );
      t.pass();
    },
  );
}

for (const options of [
  ["--format=gnu"],
  ...["0.0", "0.1", "1.0"].map((one) => ["--format=pax", `--sparse-version=${one}`]),
]) {
  requires("tar")(`tarReader() and GNU tar read the same with --sparse ${options.join(" ")}`, async (t) => {
    const file = fc.record({ sizeBytes: sizes, hole: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 5 }), async (list) => {
        const files = new Map(list.map((one, at) => [`${at}.img`, one] as const));
        const archive = await packTree(files, ["--sparse", ...options]);
        return isSame(await byOurs(archive, 50_000), await byGnuTar(archive, [...files.keys()]));
      }),
      { numRuns },
    );
    t.pass();
  });
}

test("tarReader() ends, with a code or without, for any sequence of well-summed headers", async (t) => {
  const number = fc.oneof(
    fc.constantFrom("00000000003", "00000000000", "", "\x80", "\xff\xff", "77777777777", " 12 ", "9"),
    fc.string({ maxLength: 12 }),
  );
  const key = fc.constantFrom(
    "path",
    "size",
    "comment",
    ...["map", "major", "size", "realsize", "name"].map((one) => `GNU.sparse.${one}`),
  );
  const value = fc.oneof(
    fc.constantFrom("1", "0", "0,1", "-1", "", "a/b", "../a", "512"),
    fc.string({ maxLength: 9 }),
  );
  const block = fc.oneof(
    fc
      .record({
        type: fc.constantFrom("0", "0", "5", "7", "D", "S", "x", "g", "L", "K", "V", "1"),
        content: fc.string({ maxLength: 600 }),
        size: number,
      })
      .map(({ type, content, size }) => entry("a", { type, content, size })),
    fc.string({ maxLength: 600 }).map((content) => entry("a", { content })),
    fc.string({ maxLength: 9 }).map((content) => entry("a", { type: "L", content })),
    fc.tuple(fc.dictionary(key, value), fc.constantFrom("x", "g")).map(([values, type]) => pax(values, type)),
  );
  let readCount = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(block, { maxLength: 6 }),
      fc.integer({ min: 1, max: 3000 }),
      async (blocks, chunkBytes) => {
        try {
          await byOurs(Buffer.concat([...blocks, END_MARK]), chunkBytes);
          readCount++;
        } catch (error) {
          if (!(error instanceof ImportError) || error.code === "INTERNAL") throw error;
        }
      },
    ),
    { numRuns: numRuns * 40 },
  );
  t.true(readCount > 10, `${readCount} archives were read to their end`);
});

test("tarReader() passes over members that are not read, or only in part", async (t) => {
  const content = Buffer.alloc(100_000, 1);
  const members = Buffer.concat([entry("a", { content }), entry("b", { content }), entry("c", { content })]);
  const reader = tarReader(chunked(Buffer.concat([members, END_MARK]), 4096));
  t.is((await reader.next())?.name, "a");
  const second = await reader.next();
  t.is((await second!.bytes()[Symbol.asyncIterator]().next()).done, false);
  const third = await reader.next();
  t.deepEqual(
    { ...third, bytes: undefined, seen: third!.seen.entryCount },
    {
      name: "c",
      sizeBytes: 100_000,
      storedBytes: 100_000,
      storedAt: 2 * (512 + 100_352) + 512,
      seen: 3,
      bytes: undefined,
    },
  );
  t.true((await collect(third!.bytes())).equals(content));
  t.is(await reader.next(), undefined);
  await reader.close();
});

test("tarReader() says where stored data begins, behind the map of PAX 1.0", async (t) => {
  const values = { "GNU.sparse.major": "1", "GNU.sparse.realsize": "20", "GNU.sparse.name": "real" };
  const map = Buffer.alloc(512);
  map.write("1\n4\n3\n");
  const archive = Buffer.concat([
    pax(values),
    entry("a", { content: Buffer.concat([map, Buffer.from("abc")]) }),
  ]);
  const member = await tarReader(chunked(archive)).next();
  t.like(member, { name: "real", sizeBytes: 20, storedBytes: 3, storedAt: 2048 });
  t.is((await collect(member!.bytes())).toString("latin1"), `\0\0\0\0abc${"\0".repeat(13)}`);
});

test("tarReader() applies a global PAX header to members that have none of their own", async (t) => {
  const archive = Buffer.concat([pax({ path: "global" }, "g"), entry("a", { content: "x" }), END_MARK]);
  t.deepEqual(await byOurs(archive), [{ name: "global", content: Buffer.from("x") }]);
});

test("tarReader() passes over folders, also GNU's with a list of names inside", async (t) => {
  const folders = [entry("a/"), entry("b", { type: "5" }), entry("c", { type: "D", content: "Yname\0\0" })];
  const archive = Buffer.concat([...folders, entry("d", { content: "x" }), END_MARK]);
  t.deepEqual(await byOurs(archive), [{ name: "d", content: Buffer.from("x") }]);
});

test("tarReader() finds its way behind an extended header of no bytes", async (t) => {
  const empty = [entry("x", { type: "x" }), entry("L", { type: "L" }), entry("g", { type: "g" })];
  const content = "content";
  const archive = Buffer.concat([
    ...empty,
    entry("a", { content }),
    ...empty,
    entry("b", { content }),
    END_MARK,
  ]);
  t.deepEqual(
    (await byOurs(archive)).map(({ name }) => name),
    ["a", "b"],
  );
});

test("tarReader() fails with ARCHIVE_INVALID for a folder that states a size, as readers differ over it", async (t) => {
  const archive = Buffer.concat([entry("a/", { type: "5", content: "x" }), entry("b"), END_MARK]);
  t.is((await failure(() => byOurs(archive))).code, "ARCHIVE_INVALID");
});

test("tarReader() fails with ARCHIVE_UNSAFE for a PAX path, long name or sparse name that escapes", async (t) => {
  const ways = [
    pax({ path: "../a" }),
    pax({ path: "/a" }),
    pax({ path: "../a" }, "g"),
    pax({ "GNU.sparse.name": "b/../../a" }),
    entry("L", { type: "L", content: "../a\0" }),
  ];
  for (const way of ways) {
    t.is((await failure(() => byOurs(Buffer.concat([way, entry("a"), END_MARK])))).code, "ARCHIVE_UNSAFE");
  }
});
