import { Readable } from "node:stream";
import test from "ava";
import { seededBytes } from "../../fixtures/seeded.ts";
import type { Source } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { streamSource } from "../../stages/sources/stream.ts";
import { firstBytes, headThrough, peeked } from "../../worker/head.ts";
import { chunked, collect } from "../support/bytes.ts";
import { testContext } from "../support/context.ts";

const content = seededBytes("head", 300_000);

test("peeked() gives all of a pipe after it was looked at, and the same head again", async (t) => {
  const readable = Readable.from(chunked(content, 10_000));
  await using source = peeked(streamSource(readable, "-"), { readsOnce: true });
  t.deepEqual(await source.head(testContext(), 25_000), content.subarray(0, 25_000));
  t.deepEqual(await source.head(testContext(), 10), content.subarray(0, 10));
  t.deepEqual(await collect(source.bytes(testContext())), content);
});

test("peeked() closes a pipe that was looked at and not read", async (t) => {
  const readable = Readable.from(chunked(content, 10_000));
  {
    await using source = peeked(streamSource(readable, "-"), { readsOnce: true });
    await source.head(testContext(), 1);
    t.false(readable.destroyed);
  }
  t.true(readable.destroyed);
});

test("peeked() closes what can be opened again and opens it anew", async (t) => {
  let [opened, closed] = [0, 0];
  const inner: Source = {
    name: "again",
    facts: async () => ({ seekable: true }),
    async *bytes(_, fromByte = 0) {
      opened++;
      try {
        yield* chunked(content.subarray(fromByte), 1000);
      } finally {
        closed++;
      }
    },
  };
  await using source = peeked(inner, { readsOnce: false });
  t.is((await source.head(testContext(), 2500)).byteLength, 2500);
  t.deepEqual([opened, closed], [1, 1]);
  t.deepEqual(await collect(source.bytes(testContext(), 299_990)), content.subarray(299_990));
});

test("peeked() gives a short head of a short source", async (t) => {
  await using source = peeked(streamSource(Readable.from([Buffer.from("ab")]), "-"), { readsOnce: true });
  t.is((await source.head(testContext())).toString(), "ab");
  t.is((await collect(source.bytes(testContext()))).toString(), "ab");
});

test("headThrough() keeps what came before the beginning broke off, and passes other errors on", async (t) => {
  const breaking = (code: "DECOMPRESSION_FAILED" | "RATIO_EXCEEDED") => ({
    name: "breaking",
    async *transform() {
      yield Uint8Array.of(1, 2);
      throw new ImportError(code, "Cannot go on");
    },
  });
  const head = await headThrough(Uint8Array.of(9), [breaking("DECOMPRESSION_FAILED")], 10, testContext());
  t.deepEqual([...head], [1, 2]);
  await t.throwsAsync(headThrough(Uint8Array.of(9), [breaking("RATIO_EXCEEDED")], 10, testContext()), {
    code: "RATIO_EXCEEDED",
  });
});

test("firstBytes() pulls no more than it needs", async (t) => {
  let pulled = 0;
  async function* counting() {
    for (;;) {
      pulled++;
      yield Uint8Array.of(pulled);
    }
  }
  t.deepEqual([...(await firstBytes(counting(), 3))], [1, 2, 3]);
  t.is(pulled, 3);
  t.is((await firstBytes(counting(), 0)).byteLength, 0);
});
