import { createCipheriv, createHash } from "node:crypto";
import test from "ava";
import { seededBytes } from "../../../fixtures/seeded.ts";
import type { Source } from "../../../pipeline/contract.ts";
import {
  PART_SLOT_BYTES,
  abandonPart,
  partPlainBytes,
  startPart,
} from "../../../stages/sources/bundle-part.ts";
import { threadPool } from "../../../stages/threads/pool.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";

const threads = threadPool({ threadCount: 1 });
test.after.always(() => threads[Symbol.asyncDispose]());
const [key, iv] = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)];
const plaintext = seededBytes("part", 100_000);
const ciphertext = createCipheriv("aes-128-cbc", key, iv).setAutoPadding(false).update(plaintext);

function start(from: number, to: number, content: Uint8Array = ciphertext.subarray(from, to)) {
  const source: Source = {
    name: "p",
    facts: async () => ({ seekable: false }),
    bytes: () => chunked(content),
  };
  const part = { index: 0, fileName: "p", sha1: createHash("sha1").update(content).digest("hex") };
  const tail = Buffer.concat([iv, ciphertext.subarray(0, from)]).subarray(-32);
  const before = Promise.resolve({ offset: from, tail });
  const context = testContext({ threads });
  return startPart(
    { part, source, key, memory: new SharedArrayBuffer(PART_SLOT_BYTES), before },
    context,
    context,
  );
}

for (const [from, to, content] of [
  [0, 100_000, "plain"],
  [16, 32, "plain"],
  [1, 33, "cipher"],
  [0, 15, "cipher"],
  [15, 17, "cipher"],
] as const) {
  test(`startPart() and partPlainBytes() open bytes ${from} to ${to} of the stream, as ${content} from the memory`, async (t) => {
    const { ready, after } = start(from, to);
    const fetched = await ready;
    t.is(fetched.content, content);
    t.is((await after).offset, to);
    // Whole blocks come out, those begun before the part included.
    const opened = await collect(partPlainBytes(fetched, key));
    t.true(opened.equals(plaintext.subarray(from - (from % 16), to - (to % 16))));
  });
}

test("abandonPart() lets those behind a large part fail instead of waiting", async (t) => {
  const large = start(0, 0, Buffer.alloc(PART_SLOT_BYTES + 1));
  await abandonPart(large);
  await t.throwsAsync(large.after, { message: "The part was not read" });
});
