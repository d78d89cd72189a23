import test from "ava";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resultFile } from "../../converters/result-file.ts";
import { failure } from "../support/errors.ts";

test("resultFile() makes a file, and leaves one that is there as it is", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "diskferry-test-"));
  t.teardown(() => rm(folder, { recursive: true }));
  t.deepEqual(await resultFile(join(folder, "new")), { isDevice: false });
  t.is((await stat(join(folder, "new"))).size, 0);
  await writeFile(join(folder, "old"), "content");
  t.deepEqual(await resultFile(join(folder, "old")), { isDevice: false });
  t.is(await readFile(join(folder, "old"), "utf8"), "content");
});

test("resultFile() tells a missing folder from one that cannot be written", async (t) => {
  const missing = await failure(() => resultFile("/nonexistent/result"));
  t.is(missing.code, "DESTINATION_NOT_FOUND");
  t.is(missing.remedy, "Make the folder first or correct the path");
  t.is((await failure(() => resultFile(tmpdir()))).code, "DESTINATION_FORBIDDEN");
});
