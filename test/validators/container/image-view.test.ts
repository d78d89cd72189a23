import test from "ava";
import { seededBytes } from "../../../fixtures/seeded.ts";
import {
  blocksView,
  HEAD_BYTES,
  type ImageView,
  MAX_INSPECTION_BYTES,
  MAX_INSPECTION_READS,
  prefixView,
} from "../../../validators/container/image-view.ts";
import { memoryBlocks } from "../../support/blocks.ts";
import { testContext } from "../../support/context.ts";

const MIB = 1024 * 1024;
const content = seededBytes("view", 3 * MIB);

test("blocksView() shows beginning and end, and reads nothing twice that is at the beginning", async (t) => {
  const blocks = memoryBlocks(content);
  const view = await blocksView(blocks, testContext());
  t.deepEqual(view.head, content.subarray(0, HEAD_BYTES));
  t.deepEqual(view.tail, content.subarray(-512));
  t.is(view.sizeBytes, content.byteLength);
  const before = blocks.reads.length;
  t.deepEqual(await view.read(100, 50), content.subarray(100, 150));
  t.is(blocks.reads.length, before);
  t.deepEqual(await view.read(2 * MIB, 50), content.subarray(2 * MIB, 2 * MIB + 50));
});

test("blocksView() gives less at the end and nothing outside, for whatever an image says", async (t) => {
  const view = await blocksView(memoryBlocks(content), testContext());
  t.is((await view.read(content.byteLength - 3, 10)).byteLength, 3);
  for (const [offset, length] of [
    [content.byteLength, 1],
    [-1, 1],
    [2 ** 64, 1],
    [0.5, 1],
    [Number.NaN, 1],
    [MIB, 0],
    [MIB, -5],
    [MIB, Number.NaN],
  ] as const) {
    t.is((await view.read(offset, length)).byteLength, 0, `${offset}, ${length}`);
  }
  t.is(
    (await view.read(MIB, Number.POSITIVE_INFINITY)).byteLength,
    MAX_INSPECTION_BYTES - HEAD_BYTES - 512 - 3,
  );
});

test("blocksView() stops at its bound of bytes", async (t) => {
  const view = await blocksView(memoryBlocks(content), testContext());
  let bytes = 0;
  for (let at = 0; at < 4; at++) bytes += (await view.read(MIB, 600 * 1024)).byteLength;
  t.is(bytes, MAX_INSPECTION_BYTES - HEAD_BYTES - 512);
  t.is(view.readBytes(), MAX_INSPECTION_BYTES);
});

test("blocksView() stops at its bound of reads", async (t) => {
  const blocks = memoryBlocks(content);
  const view = await blocksView(blocks, testContext());
  for (let at = 0; at < 2 * MAX_INSPECTION_READS; at++) await view.read(MIB + at, 1);
  t.is(blocks.reads.length, MAX_INSPECTION_READS);
  t.is((await view.read(MIB, 1)).byteLength, 0);
});

test("blocksView() of an image of a few bytes has an end only where there is room for one", async (t) => {
  for (const sizeBytes of [0, 1, 511, 512, 513, HEAD_BYTES, HEAD_BYTES + 1]) {
    const view = await blocksView(memoryBlocks(content.subarray(0, sizeBytes)), testContext());
    t.is(view.head.byteLength, Math.min(sizeBytes, HEAD_BYTES));
    t.deepEqual(view.tail, sizeBytes < 512 ? undefined : content.subarray(sizeBytes - 512, sizeBytes));
  }
});

test("prefixView() gives the end only of what is known to be whole", async (t) => {
  const end = (view: ImageView) => view.tail?.byteLength;
  t.is(end(prefixView(content.subarray(0, MIB))), undefined);
  t.is(end(prefixView(content.subarray(0, MIB), 2 * MIB)), undefined);
  t.is(end(prefixView(content.subarray(0, MIB), MIB)), 512);
  const view = prefixView(content.subarray(0, MIB));
  t.deepEqual(await view.read(MIB - 2, 5), content.subarray(MIB - 2, MIB));
  t.is((await view.read(-5, 3)).byteLength, 0);
  t.is((await view.read(MIB, 3)).byteLength, 0);
});
