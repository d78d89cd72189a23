import test from "ava";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { sequential } from "../../../stages/blocks/sequential.ts";
import { memoryBlocks } from "../../support/blocks.ts";
import { collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";

const disk = seededDisk("sequential", { sizeBytes: 6 * 1024 * 1024 + 512 });
disk.fill(0, 1_500_000, 4_500_000);

test("sequential() gives all bytes, and the tail from any byte", async (t) => {
  const source = sequential(memoryBlocks(disk));
  for (const fromByte of [0, 1, 1_499_999, 3_000_000, disk.byteLength - 1, disk.byteLength]) {
    const tail = await collect(source.bytes(testContext(), fromByte));
    t.is(Buffer.compare(tail, disk.subarray(fromByte)), 0, `from ${fromByte}`);
  }
});

test("sequential() never reads a hole and reads no byte twice", async (t) => {
  const blocks = memoryBlocks(disk);
  await collect(sequential(blocks).bytes(testContext()));
  let lastEnd = 0;
  for (const { offset, length } of blocks.reads) {
    t.true(offset >= lastEnd);
    t.true(length <= 1024 * 1024);
    lastEnd = offset + length;
    t.false(offset >= 1_503_232 && lastEnd <= 4_497_408, "a hole was read");
  }
  t.true(blocks.reads.length > 3);
});

test("sequential() asks for a bounded number of chunks ahead and waits for them when the consumer stops", async (t) => {
  const blocks = memoryBlocks(disk, { grainBytes: disk.byteLength });
  for await (const _ of sequential(blocks).bytes(testContext())) break;
  t.is(blocks.reads.length, 5);
});

test("sequential() passes on what a read throws", async (t) => {
  const blocks = { ...memoryBlocks(disk), sizeBytes: disk.byteLength + 4096 };
  blocks.extents = async function* () {
    yield { offset: 0, length: blocks.sizeBytes, kind: "data" };
  };
  t.is((await failure(() => collect(sequential(blocks).bytes(testContext())))).code, "SOURCE_TRUNCATED");
});
