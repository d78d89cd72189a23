import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from "node:fs/promises";
import test from "ava";
import { seededBytes, seededDisk } from "../../../fixtures/seeded.ts";
import type { Bytes } from "../../../pipeline/contract.ts";
import { fileDestination } from "../../../stages/destinations/file.ts";
import { chunked } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { temporaryFolder } from "../../support/folder.ts";

const MIB = 1024 * 1024;

test("fileDestination() shows nothing before commit, then the whole file under its name", async (t) => {
  await using folder = await temporaryFolder();
  const content = seededBytes("content", 3 * MIB + 5);
  await using draft = await fileDestination(folder.file("out.raw")).open(testContext(), {});
  await draft.write(chunked(content));
  const before = await readdir(folder.path);
  t.is(before.length, 1);
  t.regex(before[0]!, /^\.out\.raw\.diskferry-[0-9a-f]{12}$/);
  t.deepEqual(await draft.commit(), { name: folder.file("out.raw"), sizeBytes: content.byteLength });
  t.deepEqual(await readdir(folder.path), ["out.raw"]);
  t.true((await readFile(folder.file("out.raw"))).equals(content));
});

for (const lengthBytes of [0, 1, 4095, 4096, 4097, 12 * MIB, 12 * MIB + 1]) {
  for (const chunkBytes of [511, 65_536, 2 * MIB]) {
    test(`fileDestination() stores ${lengthBytes} bytes in chunks of ${chunkBytes} with their holes`, async (t) => {
      await using folder = await temporaryFolder();
      const content = seededDisk("sparse", { sizeBytes: lengthBytes });
      await using draft = await fileDestination(folder.file("out")).open(testContext(), {
        sizeBytes: lengthBytes,
      });
      await draft.write(chunked(content, chunkBytes));
      await draft.commit();
      t.true((await readFile(folder.file("out"))).equals(content));
    });
  }
}

test("fileDestination() leaves runs of zeroes unallocated, at the end as well", async (t) => {
  await using folder = await temporaryFolder();
  const content = Buffer.alloc(16 * MIB);
  content.fill("data", 4 * MIB, 5 * MIB);
  await using draft = await fileDestination(folder.file("out")).open(testContext(), {});
  await draft.write(chunked(content, MIB));
  await draft.commit();
  const { size, blocks } = await stat(folder.file("out"));
  t.is(size, 16 * MIB);
  t.true(blocks * 512 <= 2 * MIB, `${blocks * 512} bytes are allocated`);
});

test("fileDestination() commits what an outside program wrote to the draft's path", async (t) => {
  await using folder = await temporaryFolder();
  await using draft = await fileDestination(folder.file("out")).open(testContext(), {});
  execFileSync("cp", ["--remove-destination", "/etc/passwd", draft.path!]);
  t.is((await draft.commit()).sizeBytes, (await stat("/etc/passwd")).size);
  t.deepEqual(await readdir(folder.path), ["out"]);
});

test("open() throws DESTINATION_EXISTS without --force and leaves what is there", async (t) => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("out"), "old");
  const error = await failure(() => fileDestination(folder.file("out")).open(testContext(), {}));
  t.is(error.code, "DESTINATION_EXISTS");
  t.regex(error.remedy!, /--force/);
  t.is(await readFile(folder.file("out"), "utf8"), "old");
  t.deepEqual(await readdir(folder.path), ["out"]);
});

test("commit() throws DESTINATION_EXISTS when somebody else made the file meanwhile", async (t) => {
  await using folder = await temporaryFolder();
  {
    await using draft = await fileDestination(folder.file("out")).open(testContext(), {});
    await draft.write(chunked(Buffer.from("new")));
    await writeFile(folder.file("out"), "theirs");
    t.is((await failure(() => draft.commit())).code, "DESTINATION_EXISTS");
  }
  t.is(await readFile(folder.file("out"), "utf8"), "theirs");
  t.deepEqual(await readdir(folder.path), ["out"]);
});

test("fileDestination() with overwrite keeps the old file until commit, and its permissions after it", async (t) => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("out"), "old", { mode: 0o600 });
  await using draft = await fileDestination(folder.file("out"), { overwrite: true }).open(testContext(), {});
  await draft.write(chunked(Buffer.from("new")));
  t.is(await readFile(folder.file("out"), "utf8"), "old");
  await draft.commit();
  t.is((await stat(folder.file("out"))).mode & 0o777, 0o600);
  t.is(await readFile(folder.file("out"), "utf8"), "new");
});

test("fileDestination() with overwrite replaces what a link points at and keeps the link", async (t) => {
  await using folder = await temporaryFolder();
  await mkdir(folder.file("real"));
  await writeFile(folder.file("real/disk"), "old");
  await symlink("real/disk", folder.file("out"));
  await using draft = await fileDestination(folder.file("out"), { overwrite: true }).open(testContext(), {});
  await draft.write(chunked(Buffer.from("new")));
  await draft.commit();
  t.is(await readlink(folder.file("out")), "real/disk");
  t.is(await readFile(folder.file("real/disk"), "utf8"), "new");
});

for (const [what, overwrite, code] of [
  ["a folder that is missing", false, "DESTINATION_NOT_FOUND"],
  ["a folder that is missing", true, "DESTINATION_NOT_FOUND"],
  ["a folder", true, "DESTINATION_EXISTS"],
  ["a path through a file", false, "DESTINATION_NOT_FOUND"],
  ["a device", true, "DESTINATION_EXISTS"],
] as const) {
  test(`open() throws ${code} for ${what} ${overwrite ? "with" : "without"} overwrite`, async (t) => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file("file"), "");
    await mkdir(folder.file("folder"));
    const paths = {
      "a folder that is missing": folder.file("none/out"),
      "a folder": folder.file("folder"),
      "a path through a file": folder.file("file/out"),
      "a device": "/dev/null",
    };
    const error = await failure(() => fileDestination(paths[what], { overwrite }).open(testContext(), {}));
    t.is(error.code, code);
    t.truthy(error.remedy);
    t.deepEqual((await readdir(folder.path)).sort(), ["file", "folder"]);
  });
}

test("write() that fails half-way leaves nothing and keeps the error of the source", async (t) => {
  await using folder = await temporaryFolder();
  const broken = Object.assign(new Error("gone"), { code: "ECONNRESET" });
  async function* breaking(): Bytes {
    yield seededBytes("half", 2 * MIB);
    await Promise.resolve();
    throw broken;
  }
  const run = async () => {
    await using draft = await fileDestination(folder.file("out")).open(testContext(), {});
    await draft.write(breaking());
  };
  t.is(await t.throwsAsync(run), broken);
  t.deepEqual(await readdir(folder.path), []);
});

test("write() ends with the reason of an abort and leaves nothing", async (t) => {
  await using folder = await temporaryFolder();
  const controller = new AbortController();
  const reason = new Error("enough");
  async function* aborting(): Bytes {
    yield seededBytes("half", 2 * MIB);
    await Promise.resolve();
    controller.abort(reason);
    yield seededBytes("rest", 2 * MIB);
  }
  const run = async () => {
    const context = testContext({ signal: controller.signal });
    await using draft = await fileDestination(folder.file("out")).open(context, {});
    await draft.write(aborting());
  };
  t.is(await t.throwsAsync(run), reason);
  t.deepEqual(await readdir(folder.path), []);
});

test("commit() after an abort makes nothing visible", async (t) => {
  await using folder = await temporaryFolder();
  const controller = new AbortController();
  const reason = new Error("enough");
  const run = async () => {
    const context = testContext({ signal: controller.signal });
    await using draft = await fileDestination(folder.file("out")).open(context, {});
    await draft.write(chunked(Buffer.from("whole")));
    controller.abort(reason);
    await draft.commit();
  };
  t.is(await t.throwsAsync(run), reason);
  t.deepEqual(await readdir(folder.path), []);
});

test("disposing a draft twice, or after commit, does nothing more", async (t) => {
  await using folder = await temporaryFolder();
  const draft = await fileDestination(folder.file("out")).open(testContext(), {});
  await draft.write(chunked(Buffer.from("x")));
  await draft.commit();
  await draft[Symbol.asyncDispose]();
  await draft[Symbol.asyncDispose]();
  t.deepEqual(await readdir(folder.path), ["out"]);
});

test("open() notes, and does not refuse, a size beyond what is free", async (t) => {
  await using folder = await temporaryFolder();
  const context = testContext();
  await using draft = await fileDestination(folder.file("out")).open(context, { sizeBytes: 2 ** 52 });
  t.truthy(draft.path);
  t.like(context.events[0], { kind: "note", step: "write" });
});
