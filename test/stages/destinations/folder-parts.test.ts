import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import test from "ava";
import { folderParts } from "../../../stages/destinations/folder-parts.ts";
import { chunked } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { temporaryFolder } from "../../support/folder.ts";

const context = testContext();
const text = (content: string) => chunked(Buffer.from(content));

test("folderParts() shows files when they are published and not before", async (t) => {
  await using folder = await temporaryFolder();
  const store = folderParts(folder.path);
  await store.prepare("m", context);
  await store.write("a", text("A"), context);
  await store.write("m", text("M"), context);
  t.true((await readdir(folder.path)).every((name) => name.startsWith(".")));
  await store.publish(["a", "m"], context);
  t.deepEqual((await readdir(folder.path)).sort(), ["a", "m"]);
  t.is(await readFile(folder.file("a"), "utf8"), "A");
});

test("folderParts() removes what was written or published, and nothing else", async (t) => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("other"), "");
  const store = folderParts(folder.path);
  await store.write("a", text("A"), context);
  await store.publish(["a"], context);
  await store.write("b", text("B"), context);
  await store.remove(["b", "a", "other", "never"]);
  t.deepEqual(await readdir(folder.path), ["other"]);
});

test("folderParts() replaces only when asked to, and keeps what was there when it fails", async (t) => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("a"), "before");
  const careful = folderParts(folder.path);
  t.is((await failure(() => careful.prepare("a", context))).code, "DESTINATION_EXISTS");
  await careful.write("a", text("A"), context);
  t.is((await failure(() => careful.publish(["a"], context))).code, "DESTINATION_EXISTS");
  await careful.remove(["a"]);
  t.is(await readFile(folder.file("a"), "utf8"), "before");
  const bold = folderParts(folder.path, { overwrite: true });
  await bold.write("a", text("A"), context);
  await bold.publish(["a"], context);
  t.is(await readFile(folder.file("a"), "utf8"), "A");
});

test("folderParts() fails with DESTINATION_NOT_FOUND for a folder that is none", async (t) => {
  await using folder = await temporaryFolder();
  t.is(
    (await failure(() => folderParts(folder.file("no")).prepare("m", context))).code,
    "DESTINATION_NOT_FOUND",
  );
  await mkdir(folder.file("yes"));
  await t.notThrowsAsync(() => folderParts(folder.file("yes")).prepare("m", context));
});
