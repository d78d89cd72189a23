import { createHash } from "node:crypto";
import test from "ava";
import fc from "fast-check";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { threadPool } from "../../../stages/threads/pool.ts";
import { streamHash } from "../../../stages/threads/stream-hash.ts";
import { chunked } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";

const content = seededDisk("stream hash", { sizeBytes: 9 * 1024 * 1024 + 5 });
const wanted = (bytes: Uint8Array) => createHash("sha1").update(bytes).digest("hex");

test("streamHash() gives the digest, in a thread and without one, whatever the chunks", async (t) => {
  await using pool = threadPool({ threadCount: 2 });
  for (const threads of [pool, testContext().threads]) {
    for (const chunkBytes of [65_537, 1024 * 1024, 4 * 1024 * 1024]) {
      await using hash = streamHash("sha1", testContext({ threads }));
      t.is(pool.hasSpare, threads !== pool, "the thread is kept");
      for await (const chunk of chunked(content, chunkBytes)) await hash.update(chunk);
      t.is(await hash.digest(), wanted(content));
    }
  }
  t.true(pool.hasSpare, "and given back");
});

test("streamHash() hashes nothing, and any mixture of data and zeroes", async (t) => {
  await using threads = threadPool({ threadCount: 2 });
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.nat(2 * 1024 * 1024).map((length) => new Uint8Array(length)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 5 }), async (pieces) => {
      await using hash = streamHash("sha1", testContext({ threads }));
      for (const bytes of pieces) await hash.update(bytes);
      t.is(await hash.digest(), wanted(Buffer.concat(pieces)));
    }),
    { numRuns: Number(process.env.PROPERTY_RUNS ?? 20) },
  );
});

test("streamHash() leaves a thread for others and gives its own back when it is disposed early", async (t) => {
  await using threads = threadPool({ threadCount: 2 });
  const context = testContext({ threads });
  {
    await using first = streamHash("sha1", context);
    await first.update(content);
    t.false(threads.hasSpare);
    await using second = streamHash("sha1", context); // hashed here, as no thread is to spare
    await second.update(content);
    t.is(await second.digest(), wanted(content));
    const input = { memory: new SharedArrayBuffer(8), lengthBytes: 8 };
    t.is((await threads.run("hashBlock", input, context.signal)).byteLength, 32);
  }
  const input = { memory: new SharedArrayBuffer(8), lengthBytes: 8 };
  await Promise.all([1, 2, 3].map(() => threads.run("hashBlock", input, context.signal)));
  t.true(threads.hasSpare);
});

test("streamHash() ends with the signal's reason, also while it waits for room", async (t) => {
  await using threads = threadPool({ threadCount: 2 });
  const controller = new AbortController();
  const reason = new Error("stop");
  await using hash = streamHash("sha1", testContext({ threads, signal: controller.signal }));
  await hash.update(content.subarray(0, 1000));
  controller.abort(reason);
  t.is(await t.throwsAsync(async () => hash.digest()), reason);
});
