import { writeFile } from "node:fs/promises";
import test from "ava";
import { zeroDevice } from "../../programs/blkdiscard.ts";
import { testContext } from "../support/context.ts";
import { temporaryFolder } from "../support/folder.ts";
import { requires } from "../support/requires.ts";

test("zeroDevice() says no where the program is missing", async (t) => {
  t.false(await zeroDevice("/dev/null", 4096, testContext({ programPath: "/nowhere" })));
});

requires("blkdiscard")("zeroDevice() says no for what is no device, and leaves it as it is", async (t) => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("file"), "content");
  t.false(await zeroDevice(folder.file("file"), 4096, testContext()));
});

requires("blkdiscard")("zeroDevice() ends with the reason of an abort", async (t) => {
  const reason = new Error("enough");
  t.is(
    await t.throwsAsync(zeroDevice("/dev/null", 4096, testContext({ signal: AbortSignal.abort(reason) }))),
    reason,
  );
});
