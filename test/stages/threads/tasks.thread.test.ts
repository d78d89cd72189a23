import test from "ava";
import { hashLeaf } from "../../../pipeline/disk-digest.ts";
import runTask from "../../../stages/threads/tasks.thread.ts";

test("runTask() gives a task's output", async (t) => {
  const outcome = await runTask({
    task: "hashBlock",
    input: { memory: new SharedArrayBuffer(8), lengthBytes: 4 },
  });
  t.deepEqual(outcome, { output: hashLeaf(new Uint8Array(4)) });
});

test("runTask() turns an ImportError into fields, and lets mistakes of the programming pass", async (t) => {
  const locator = { kind: "file", path: "/nowhere/at/all" } as const;
  const input = { locator, sizeBytes: 4096, firstBlock: 0, blockCount: 1 };
  t.like(await runTask({ task: "hashBlocks", input }), { failure: { code: "SOURCE_NOT_FOUND" } });
  const keys = { key: Buffer.alloc(16), iv: Buffer.alloc(16) };
  const odd = { memory: new SharedArrayBuffer(17), lengthBytes: 17, ...keys };
  await t.throwsAsync(() => runTask({ task: "openPart", input: odd }), { instanceOf: RangeError });
});
