import { readdir } from "node:fs/promises";
import test from "ava";
import { DEFAULT_LIMITS } from "../../pipeline/context.ts";
import { hashLeaf } from "../../pipeline/disk-digest.ts";
import { withRun } from "../../worker/run-context.ts";
import { temporaryFolder } from "../support/conversions.ts";

const { signal } = new AbortController();

test("withRun() gives scratch and threads, and takes both back when the work is done or fails", async (t) => {
  await using folder = await temporaryFolder();
  const scratch = { parentFolder: folder.path };
  const result = await withRun({ signal, scratch, threadCount: 1 }, async (context) => {
    await context.scratch.reserve("file", 1);
    t.is((await readdir(folder.path)).length, 1);
    const input = { memory: new SharedArrayBuffer(8), lengthBytes: 8 };
    t.deepEqual(
      Buffer.from(await context.threads.run("hashBlock", input, signal)),
      hashLeaf(new Uint8Array(8)),
    );
    return "done";
  });
  t.is(result, "done");
  t.deepEqual(await readdir(folder.path), []);
  const failing = withRun({ signal, scratch }, async (context) => {
    await context.scratch.reserve("file", 1);
    throw new Error("work failed");
  });
  await t.throwsAsync(failing, { message: "work failed" });
  t.deepEqual(await readdir(folder.path), []);
});

test("withRun() fills in limits that are not given and passes progress and log on", async (t) => {
  const seen: string[] = [];
  const log = { debug: (text: string) => void seen.push(text), warn() {} };
  const progress = ({ step }: { step: string }) => void seen.push(step);
  await withRun({ signal, log, progress, limits: { maxRatio: 7 } }, async (context) => {
    t.deepEqual(context.limits, { ...DEFAULT_LIMITS, maxRatio: 7 });
    context.log.debug("hello");
    context.progress({ kind: "started", step: "read" });
  });
  t.deepEqual(seen, ["hello", "read"]);
});
