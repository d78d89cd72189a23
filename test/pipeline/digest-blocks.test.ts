import test from "ava";
import fc from "fast-check";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Blocks, Extent } from "../../pipeline/contract.ts";
import { blockRuns, digestBlocks } from "../../pipeline/digest-blocks.ts";
import { DIGEST_BLOCK_BYTES, diskDigester, leafHasher, hashLeaf } from "../../pipeline/disk-digest.ts";
import { seededBytes } from "../../fixtures/seeded.ts";
import { fileBlocks } from "../../stages/blocks/file.ts";
import { testContext } from "../support/context.ts";
import { failure } from "../support/errors.ts";
import { hashingThreads } from "../support/hashing-threads.ts";

const PROPERTY_RUNS = Number(process.env.PROPERTY_RUNS ?? 20);

async function* given(extents: readonly Extent[]): AsyncIterable<Extent> {
  yield* extents;
}

/** A disk in memory with an exact allocation map in runs of `grainBytes`. */
function memoryBlocks(content: Buffer, extents: readonly Extent[]): Blocks {
  return {
    name: "memory",
    sizeBytes: content.byteLength,
    async read(offset, into) {
      content.copy(into, 0, offset, offset + into.byteLength);
    },
    extents: () => given(extents),
    async [Symbol.asyncDispose]() {},
  };
}

async function digestOf(content: Uint8Array): Promise<string> {
  const digester = diskDigester(testContext({ threads: hashingThreads }));
  await digester.update(content);
  return (await digester.finish()).digest;
}

/** Runs of data and zero, of lengths around the size of a block. */
const layouts = fc.array(
  fc.record({
    length: fc.oneof(
      fc.integer({ min: 1, max: 3000 }),
      fc.constantFrom(DIGEST_BLOCK_BYTES - 1, DIGEST_BLOCK_BYTES, DIGEST_BLOCK_BYTES + 1),
    ),
    kind: fc.constantFrom("data" as const, "zero" as const),
  }),
  { maxLength: 6 },
);

test("digestBlocks() gives what diskDigester() gives, with and without threads that read", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "diskferry-test-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, "disk");
  await fc.assert(
    fc.asyncProperty(layouts, async (layout) => {
      const extents: Extent[] = [];
      const pieces: Buffer[] = [];
      let offset = 0;
      for (const { length, kind } of layout) {
        extents.push({ offset, length, kind });
        pieces.push(kind === "zero" ? Buffer.alloc(length) : seededBytes(`${offset}`, length));
        offset += length;
      }
      const content = Buffer.concat(pieces);
      await writeFile(path, content);
      const context = testContext({ threads: hashingThreads });
      const wanted = { digest: await digestOf(content), sizeBytes: content.byteLength };
      const here = memoryBlocks(content, extents);
      t.deepEqual(await digestBlocks(here, context), wanted);
      t.deepEqual(await digestBlocks({ ...here, locator: { kind: "file", path } }, context), wanted);
      await using file = await fileBlocks(path, context);
      t.deepEqual(await digestBlocks(file, context), wanted);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

test("digestBlocks() does not read what the allocation map calls zero", async (t) => {
  const size = 3 * DIGEST_BLOCK_BYTES + 5;
  const blocks: Blocks = {
    ...memoryBlocks(Buffer.alloc(size), [{ offset: 0, length: size, kind: "zero" }]),
    read: () => t.fail("nothing was to be read"),
    locator: { kind: "file", path: "/nonexistent" },
  };
  const { digest } = await digestBlocks(blocks, testContext({ threads: hashingThreads }));
  t.is(digest, await digestOf(Buffer.alloc(size)));
});

test("digestBlocks() throws what a thread throws, and leaves none of the others' rejections unhandled", async (t) => {
  const size = 100 * DIGEST_BLOCK_BYTES;
  const blocks: Blocks = {
    ...memoryBlocks(Buffer.alloc(0), [{ offset: 0, length: size, kind: "data" }]),
    sizeBytes: size,
    locator: { kind: "file", path: "/nonexistent" },
  };
  const error = await failure(() => digestBlocks(blocks, testContext({ threads: hashingThreads })));
  t.is(error.code, "SOURCE_NOT_FOUND");
});

test("digestBlocks() ends with the reason of an abort", async (t) => {
  const stop = new AbortController();
  const reason = new Error("enough");
  const size = 100 * DIGEST_BLOCK_BYTES;
  const blocks: Blocks = {
    ...memoryBlocks(Buffer.alloc(0), []),
    sizeBytes: size,
    locator: { kind: "file", path: "/dev/zero" },
    async *extents() {
      stop.abort(reason);
      yield { offset: 0, length: size, kind: "data" };
    },
  };
  const context = testContext({ threads: hashingThreads, signal: stop.signal });
  t.is(await t.throwsAsync(() => digestBlocks(blocks, context)), reason);
});

test("digestBlocks() reports its step from 0 to the size", async (t) => {
  const context = testContext({ threads: hashingThreads });
  const content = seededBytes("progress", DIGEST_BLOCK_BYTES + 1);
  await digestBlocks(
    memoryBlocks(content, [{ offset: 0, length: content.byteLength, kind: "data" }]),
    context,
    {
      step: "verify",
    },
  );
  t.like(context.events[0], { kind: "started", step: "verify", totalBytes: content.byteLength });
  t.like(context.events.at(-1), { kind: "finished", step: "verify", doneBytes: content.byteLength });
});

test("blockRuns() covers every block once, in order, and calls zero only what has no data", async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 30 * DIGEST_BLOCK_BYTES }), fc.boolean()), {
        maxLength: 8,
      }),
      async (lengths) => {
        let offset = 0;
        const extents = lengths.map(([length, isData]): Extent => {
          offset += length;
          return { offset: offset - length, length, kind: isData ? "data" : "zero" };
        });
        let next = 0;
        for await (const { firstBlock, blockCount, kind } of blockRuns(given(extents), offset)) {
          t.is(firstBlock, next);
          t.true(blockCount > 0);
          next += blockCount;
          const [start, end] = [firstBlock * DIGEST_BLOCK_BYTES, next * DIGEST_BLOCK_BYTES];
          const hasData = extents.some(
            (e) => e.kind === "data" && e.offset < end && e.offset + e.length > start,
          );
          t.is(hasData, kind === "data");
          if (kind === "data") t.true(blockCount <= 16);
        }
        t.is(next, Math.ceil(offset / DIGEST_BLOCK_BYTES));
      },
    ),
    { numRuns: PROPERTY_RUNS * 5 },
  );
});

test("leafHasher() gives hashLeaf() of the joined pieces, and tells zero", (t) => {
  const hasher = leafHasher();
  const pieces = [Buffer.alloc(10), Buffer.alloc(0), seededBytes("leaf", 100), Buffer.alloc(7)];
  for (const piece of pieces) hasher.update(piece);
  t.deepEqual(hasher.finish(), { leaf: hashLeaf(Buffer.concat(pieces)), isZero: false });
  for (const piece of [Buffer.alloc(10), Buffer.alloc(3)]) hasher.update(piece);
  t.deepEqual(hasher.finish(), { leaf: hashLeaf(Buffer.alloc(13)), isZero: true });
});
