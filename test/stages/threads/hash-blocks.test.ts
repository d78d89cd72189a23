import test from "ava";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededBytes } from "../../../fixtures/seeded.ts";
import { DIGEST_BLOCK_BYTES, hashLeaf, zeroLeaf } from "../../../pipeline/disk-digest.ts";
import { hashBlocks } from "../../../stages/threads/hash-blocks.ts";
import { failure } from "../../support/errors.ts";

test("hashBlocks() hashes the blocks asked for, a short last one and zeroes included", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "diskferry-test-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, "disk");
  const first = seededBytes("first", DIGEST_BLOCK_BYTES);
  const last = seededBytes("last", 1000);
  await writeFile(path, Buffer.concat([first, Buffer.alloc(DIGEST_BLOCK_BYTES), last]));
  const sizeBytes = 2 * DIGEST_BLOCK_BYTES + 1000;
  const locator = { kind: "file", path } as const;
  const all = await hashBlocks({ locator, sizeBytes, firstBlock: 0, blockCount: 3 });
  const wanted = [hashLeaf(first), zeroLeaf(DIGEST_BLOCK_BYTES), hashLeaf(last)];
  t.deepEqual(Buffer.from(all.hashes), Buffer.concat(wanted));
  t.is(all.dataBytes, DIGEST_BLOCK_BYTES + 1000);
  const one = await hashBlocks({ locator, sizeBytes, firstBlock: 2, blockCount: 1 });
  t.deepEqual(Buffer.from(one.hashes), wanted[2]);
});

test("hashBlocks() fails with SOURCE_TRUNCATED when the file has become shorter, and closes it", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "diskferry-test-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, "disk");
  await writeFile(path, "");
  await truncate(path, 1000);
  const before = readdirSync("/proc/self/fd").length;
  const error = await failure(() =>
    hashBlocks({ locator: { kind: "file", path }, sizeBytes: 1001, firstBlock: 0, blockCount: 1 }),
  );
  t.is(error.code, "SOURCE_TRUNCATED");
  t.is(readdirSync("/proc/self/fd").length, before);
});
