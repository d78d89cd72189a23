import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { flushing } from "../../converters/flushing.ts";
import { temporaryFolder } from "../support/conversions.ts";
import { testContext } from "../support/context.ts";

test("flushing() gives what the work gives, or throws what it throws, and holds no file open", async (t) => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "result");
  await writeFile(path, "content");
  t.is(await flushing(path, testContext(), async () => "done"), "done");
  await t.throwsAsync(
    flushing(path, testContext(), async () => {
      throw new Error("work failed");
    }),
    { message: "work failed" },
  );
});

test("flushing() passes on that the file cannot be flushed", async (t) => {
  await t.throwsAsync(
    flushing("/does/not/exist", testContext(), async () => "done"),
    { code: "ENOENT" },
  );
});

test("flushing() stops with the signal even when the work goes on", async (t) => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "result");
  await writeFile(path, "content");
  const controller = new AbortController();
  const working = flushing(path, testContext({ signal: controller.signal }), async () => {
    controller.abort();
    return "done";
  });
  t.is(await working, "done");
});
