import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { scratchFolder } from "../../pipeline/scratch.ts";
import { failure } from "../support/errors.ts";

async function parent(): Promise<string> {
  return await mkdtemp(join(tmpdir(), "scratch-test-"));
}

test("scratchFolder() makes nothing before the first reservation and leaves nothing at the end", async (t) => {
  const parentFolder = await parent();
  {
    await using scratch = scratchFolder({ parentFolder });
    t.deepEqual(await readdir(parentFolder), []);
    const file = await scratch.reserve("disk.raw", 10);
    await writeFile(file.path, "0123456789");
    t.is((await readdir(parentFolder)).length, 1);
    t.is((await stat(join(parentFolder, (await readdir(parentFolder))[0]!))).mode & 0o777, 0o700);
  }
  t.deepEqual(await readdir(parentFolder), []);
  await rm(parentFolder, { recursive: true });
});

test("scratchFolder() gives the bytes back when a file is disposed and keeps the peak", async (t) => {
  await using scratch = scratchFolder({ limitBytes: 100 });
  const first = await scratch.reserve("a", 60);
  t.is((await failure(() => scratch.reserve("b", 41))).code, "SCRATCH_EXCEEDED");
  await first[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await scratch.reserve("c", 100);
  t.is(scratch.peakBytes, 100);
});

test("grow() raises a reservation up to the limit and throws SCRATCH_EXCEEDED beyond it", async (t) => {
  await using scratch = scratchFolder({ limitBytes: 100 });
  const file = await scratch.reserve("a", 0);
  await file.grow(100);
  await file.grow(50);
  const error = await failure(() => file.grow(101));
  t.is(error.code, "SCRATCH_EXCEEDED");
  t.regex(error.message, /limit is 100 B/);
  t.truthy(error.remedy);
});

test("reserve() throws SCRATCH_EXCEEDED beyond the free space of the file system", async (t) => {
  await using scratch = scratchFolder();
  t.is((await failure(() => scratch.reserve("a", 2 ** 52))).code, "SCRATCH_EXCEEDED");
});

test("reserve() throws SCRATCH_UNWRITABLE when the folder cannot be made", async (t) => {
  const parentFolder = await parent();
  await chmod(parentFolder, 0o500);
  await using missing = scratchFolder({ parentFolder: join(parentFolder, "not", "there") });
  t.is((await failure(() => missing.reserve("a", 1))).code, "SCRATCH_UNWRITABLE");
});

test("reserve() keeps names inside the folder, whatever they hold", async (t) => {
  await using scratch = scratchFolder();
  const file = await scratch.reserve("../../etc/passwd\0\n", 1);
  t.regex(file.path, /diskferry-[^/]+\/0-[\w.-]+$/);
});
