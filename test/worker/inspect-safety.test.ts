import { writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import test from "ava";
import { qcow2Image, withDataFile } from "../../fixtures/hostile/good/qcow2.ts";
import { inspectSafety } from "../../worker/inspect-safety.ts";
import { localAccess } from "../support/conversions.ts";
import { testContext } from "../support/context.ts";
import { temporaryFolder } from "../support/folder.ts";

async function inspected(content: Buffer, options: Parameters<typeof inspectSafety>[1] = {}) {
  await using folder = await temporaryFolder();
  const path = folder.file("image");
  await writeFile(path, content);
  const context = testContext({ programPath: folder.path }); // where there is no program to start
  return await inspectSafety({ kind: "file", path }, options, localAccess(), context);
}

test("inspectSafety() tells of every rule of the format, without any other program", async (t) => {
  const { isSafe, format, layers, virtualSizeBytes, rules } = await inspected(qcow2Image());
  t.true(isSafe);
  t.is(format, "qcow2");
  t.deepEqual(layers, []);
  t.is(virtualSizeBytes, 1024 ** 2);
  t.true(rules.length > 15);
  t.true(rules.every(({ outcome }) => outcome === "holds"));
});

test("inspectSafety() tells what is wrong instead of throwing it, also behind a layer", async (t) => {
  for (const content of [
    withDataFile(qcow2Image(), "/etc/passwd"),
    gzipSync(withDataFile(qcow2Image(), "/etc/passwd")),
  ]) {
    const { isSafe, rules } = await inspected(content);
    t.false(isSafe);
    t.deepEqual(
      rules.filter(({ outcome }) => outcome === "broken").map(({ id }) => id),
      ["qcow2-data-file"],
    );
  }
});

test("inspectSafety() takes warnings for safe, and says what it has not seen", async (t) => {
  const dirty = qcow2Image();
  dirty.writeUInt32BE(1, 76);
  const { isSafe, rules } = await inspected(gzipSync(dirty));
  t.true(isSafe);
  t.like(
    rules.find(({ id }) => id === "qcow2-dirty"),
    { outcome: "broken", severity: "warning" },
  );
  t.true(rules.some(({ outcome }) => outcome === "unseen"));
});
