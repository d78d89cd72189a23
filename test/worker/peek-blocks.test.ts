import test from "ava";
import type { Source } from "../../pipeline/contract.ts";
import { prefixBlocks, seekingBlocks } from "../../worker/peek-blocks.ts";
import { chunked, collect } from "../support/bytes.ts";
import { testContext } from "../support/context.ts";
import { failure } from "../support/errors.ts";

const content = Buffer.from("0123456789");

test("prefixBlocks() gives what is at hand and throws SOURCE_UNSUITABLE for what is not", async (t) => {
  await using blocks = prefixBlocks("disk", content, 1000);
  const into = Buffer.alloc(4);
  await blocks.read(6, into, testContext());
  t.is(into.toString(), "6789");
  t.is((await failure(() => blocks.read(7, into, testContext()))).code, "SOURCE_UNSUITABLE");
  t.is(blocks.sizeBytes, 1000);
});

test("seekingBlocks() opens the source where it reads and throws SOURCE_TRUNCATED past its end", async (t) => {
  const opened: number[] = [];
  const source = {
    name: "remote",
    facts: async () => ({ seekable: true, sizeBytes: 10 }),
    bytes(_: unknown, fromByte = 0) {
      opened.push(fromByte);
      return chunked(content.subarray(fromByte), 3);
    },
  };
  await using blocks = seekingBlocks(source, 10);
  const into = Buffer.alloc(5);
  await blocks.read(2, into, testContext());
  t.is(into.toString(), "23456");
  t.is((await failure(() => blocks.read(8, into, testContext()))).code, "SOURCE_TRUNCATED");
  t.deepEqual(opened, [2, 8]);
  t.deepEqual(await collect(toBytes(blocks.extents(0, 10, testContext()))), Buffer.from([10]));
});

async function* toBytes(extents: AsyncIterable<{ length: number }>) {
  for await (const { length } of extents) yield Uint8Array.of(length);
}

test("seekingBlocks() asks for nothing that lies in the beginning at hand", async (t) => {
  const asked: number[] = [];
  const source: Source = {
    name: "x",
    facts: () => Promise.resolve({ seekable: true }),
    async *bytes(_context, fromByte = 0) {
      asked.push(fromByte);
      yield content.subarray(fromByte);
    },
  };
  const blocks = seekingBlocks(source, 10, content.subarray(0, 4));
  const read = async (offset: number, length: number) => {
    const into = Buffer.alloc(length);
    await blocks.read(offset, into, testContext());
    return into.toString();
  };
  t.is(await read(0, 4), "0123");
  t.is(await read(2, 2), "23");
  t.deepEqual(asked, []);
  t.is(await read(2, 3), "234");
  t.is(await read(8, 2), "89");
  t.deepEqual(asked, [2, 8]);
});
