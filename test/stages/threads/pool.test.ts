import { createCipheriv, createHash } from "node:crypto";
import type { Worker } from "node:worker_threads";
import test from "ava";
import { seededBytes } from "../../../fixtures/seeded.ts";
import { hashLeaf } from "../../../pipeline/disk-digest.ts";
import { threadPool } from "../../../stages/threads/pool.ts";
import { failure } from "../../support/errors.ts";

const { signal } = new AbortController();
const key = Buffer.alloc(16, 1);
const iv = Buffer.alloc(16, 2);

function shared(content: Uint8Array): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(content.byteLength);
  new Uint8Array(memory).set(content);
  return memory;
}

test.serial(
  "threadPool() starts no thread before the first task and leaves none after disposal",
  async (t) => {
    let startedCount = 0;
    let endedCount = 0;
    const count = (worker: Worker): void => {
      startedCount++;
      worker.once("exit", () => endedCount++);
    };
    process.on("worker", count);
    try {
      await using threads = threadPool({ threadCount: 1 });
      t.is(startedCount, 0);
      await threads.run("hashBlock", { memory: new SharedArrayBuffer(16), lengthBytes: 16 }, signal);
      t.is(startedCount, 1);
      t.is(endedCount, 0);
      await threads[Symbol.asyncDispose]();
      t.is(endedCount, 1);
    } finally {
      process.off("worker", count);
    }
  },
);

test('threadPool() runs "hashBlock" with the same result as hashLeaf()', async (t) => {
  await using threads = threadPool({ threadCount: 1 });
  const block = seededBytes("block", 70_000);
  const leaf = await threads.run("hashBlock", { memory: shared(block), lengthBytes: 65_536 }, signal);
  t.true(hashLeaf(block.subarray(0, 65_536)).equals(leaf));
});

for (const lengthBytes of [0, 16, 262_128, 262_144, 262_160, 3_000_000]) {
  test(`threadPool() runs "openPart" and "decryptBlocks" on ${lengthBytes} bytes where they stand`, async (t) => {
    await using threads = threadPool({ threadCount: 1 });
    const plaintext = seededBytes("part", lengthBytes - (lengthBytes % 16));
    const cipher = createCipheriv("aes-128-cbc", key, iv).setAutoPadding(false);
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    const part = shared(ciphertext);
    const { sha1 } = await threads.run(
      "openPart",
      { memory: part, lengthBytes: ciphertext.byteLength, key, iv },
      signal,
    );
    t.is(sha1, createHash("sha1").update(ciphertext).digest("hex"));
    t.true(plaintext.equals(new Uint8Array(part)));
    const blocks = shared(ciphertext);
    await threads.run(
      "decryptBlocks",
      { memory: blocks, lengthBytes: ciphertext.byteLength, key, iv },
      signal,
    );
    t.true(plaintext.equals(new Uint8Array(blocks)));
  });
}

test("threadPool() passes on the code and remedy of a task's ImportError", async (t) => {
  await using threads = threadPool({ threadCount: 1 });
  const locator = { kind: "file", path: "/nowhere/at/all" } as const;
  const error = await failure(() =>
    threads.run("hashBlocks", { locator, sizeBytes: 4096, firstBlock: 0, blockCount: 1 }, signal),
  );
  t.is(error.code, "SOURCE_NOT_FOUND");
});

test("threadPool() rejects with the signal's reason, before and while a task runs, and goes on afterwards", async (t) => {
  await using threads = threadPool({ threadCount: 1 });
  const reason = new Error("Stopped by the user");
  const task = (signal: AbortSignal) =>
    threads.run(
      "openPart",
      { memory: new SharedArrayBuffer(512 * 1024 * 1024), lengthBytes: 512 * 1024 * 1024, key, iv },
      signal,
    );
  t.is(await t.throwsAsync(() => task(AbortSignal.abort(reason))), reason);
  const controller = new AbortController();
  const running = task(controller.signal);
  await new Promise((resolve) => setImmediate(resolve));
  controller.abort(reason);
  t.is(await t.throwsAsync(running), reason);
  const after = await threads.run("hashBlock", { memory: new SharedArrayBuffer(1), lengthBytes: 1 }, signal);
  t.is(after.byteLength, 32);
});

test("threadPool() refuses no threads, and tasks after disposal", async (t) => {
  t.throws(() => threadPool({ threadCount: 0 }), { instanceOf: RangeError });
  const threads = threadPool({ threadCount: 1 });
  await threads[Symbol.asyncDispose]();
  await t.throwsAsync(
    () => threads.run("hashBlock", { memory: new SharedArrayBuffer(1), lengthBytes: 1 }, signal),
    {
      instanceOf: TypeError,
    },
  );
});
