import test from "ava";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededBytes } from "../../../fixtures/seeded.ts";
import { fileBlocks, readError } from "../../../stages/blocks/file.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";

const CONTENT = seededBytes("file blocks", 10_000);

async function file(t: { teardown(fn: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "diskferry-test-"));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "disk"), CONTENT);
  return join(folder, "disk");
}

test("fileBlocks() reads any piece, up to the last byte", async (t) => {
  const path = await file(t);
  await using blocks = await fileBlocks(path, testContext());
  t.is(blocks.sizeBytes, CONTENT.byteLength);
  t.deepEqual(blocks.locator, { kind: "file", path });
  for (const [start, end] of [
    [0, 10_000],
    [9999, 10_000],
    [17, 4711],
    [5, 5],
  ] as const) {
    const into = Buffer.alloc(end - start);
    await blocks.read(start, into, testContext());
    t.true(into.equals(CONTENT.subarray(start, end)));
  }
});

test("fileBlocks() fails with SOURCE_TRUNCATED one byte past the end, and when the file has become shorter", async (t) => {
  const path = await file(t);
  await using blocks = await fileBlocks(path, testContext());
  const read = (offset: number, lengthBytes: number) =>
    blocks.read(offset, Buffer.alloc(lengthBytes), testContext());
  t.is((await failure(() => read(9999, 2))).code, "SOURCE_TRUNCATED");
  await truncate(path, 100);
  t.is((await failure(() => read(50, 51))).code, "SOURCE_TRUNCATED");
});

test("fileBlocks() calls all of the file data", async (t) => {
  await using blocks = await fileBlocks(await file(t), testContext());
  const extents = (offset: number, length: number) =>
    Array.fromAsync(blocks.extents(offset, length, testContext()));
  t.deepEqual(await extents(100, 9900), [{ offset: 100, length: 9900, kind: "data" }]);
  t.deepEqual(await extents(10_000, 0), []);
  t.is((await failure(() => extents(100, 9901))).code, "SOURCE_TRUNCATED");
});

test("fileBlocks() tells what cannot be read by its code", async (t) => {
  t.is((await failure(() => fileBlocks("/nonexistent/disk", testContext()))).code, "SOURCE_NOT_FOUND");
  t.is((await failure(() => fileBlocks(tmpdir(), testContext()))).code, "SOURCE_UNSUITABLE");
  t.is((await failure(() => fileBlocks("/dev/null", testContext()))).code, "SOURCE_UNSUITABLE");
});

test("fileBlocks() ends with the reason of an abort", async (t) => {
  await using blocks = await fileBlocks(await file(t), testContext());
  const reason = new Error("enough");
  const aborted = testContext({ signal: AbortSignal.abort(reason) });
  t.is(await t.throwsAsync(blocks.read(0, Buffer.alloc(1), aborted)), reason);
});

test("readError() translates system errors and leaves all others as they are", (t) => {
  const system = (code: string) => Object.assign(new Error(code), { code });
  for (const [name, code] of [
    ["EACCES", "SOURCE_FORBIDDEN"],
    ["EIO", "SOURCE_UNAVAILABLE"],
    ["EISDIR", "SOURCE_UNSUITABLE"],
  ]) {
    t.like(readError(system(name ?? ""), "disk"), { code });
  }
  const other = new TypeError("ours");
  t.is(readError(other, "disk"), other);
});
