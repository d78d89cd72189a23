import { execFileSync } from "node:child_process";
import { getEventListeners } from "node:events";
import {
  appendFile,
  chmod,
  mkdir,
  open,
  readdir,
  readlink,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import test from "ava";
import { seededBytes } from "../../../fixtures/seeded.ts";
import { fileSource } from "../../../stages/sources/file.ts";
import { collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { temporaryFolder } from "../../support/folder.ts";

const MIB = 1024 * 1024;

for (const lengthBytes of [0, 1, MIB - 1, MIB, MIB + 1, 4 * MIB, 5 * MIB + 7]) {
  test(`fileSource() gives the same ${lengthBytes} bytes twice, and from any byte on`, async (t) => {
    await using folder = await temporaryFolder();
    const content = seededBytes(`file ${lengthBytes}`, lengthBytes);
    await writeFile(folder.file("disk.raw"), content);
    const source = fileSource(folder.file("disk.raw"));
    const context = testContext();
    const facts = await source.facts(context);
    t.is(facts.sizeBytes, lengthBytes);
    t.true(facts.seekable);
    t.is(facts.localPath, folder.file("disk.raw"));
    t.true((await collect(source.bytes(context))).equals(content));
    t.true((await collect(source.bytes(context))).equals(content));
    for (const from of new Set([0, 1, MIB, Math.max(0, lengthBytes - 1), lengthBytes])) {
      t.true((await collect(source.bytes(context, from))).equals(content.subarray(from)), `from ${from}`);
    }
  });
}

test("fileSource() reads a FIFO once, in order, without a size", async (t) => {
  await using folder = await temporaryFolder();
  const path = folder.file("fifo");
  execFileSync("mkfifo", [path]);
  const content = seededBytes("fifo", 300_000);
  const source = fileSource(path);
  const writer = writeFile(path, content);
  t.deepEqual({ ...(await source.facts(testContext())), identity: "" }, { identity: "", seekable: false });
  t.true((await collect(source.bytes(testContext(), 70_001))).equals(content.subarray(70_001)));
  await writer;
});

for (const [what, code, prepare] of [
  ["a name that is not there", "SOURCE_NOT_FOUND", () => Promise.resolve()],
  ["a folder", "SOURCE_UNSUITABLE", (path: string) => mkdir(path)],
  ["a link in a ring", "SOURCE_NOT_FOUND", (path: string) => symlink(path, path)],
] as const) {
  test(`fileSource() throws ${code} for ${what} and says what to do`, async (t) => {
    await using folder = await temporaryFolder();
    await prepare(folder.file("disk"));
    const error = await failure(() => fileSource(folder.file("disk")).facts(testContext()));
    t.is(error.code, code);
    t.truthy(error.remedy);
    t.true(error.message.includes(`"${folder.file("disk")}"`));
  });
}

const asRoot = process.getuid?.() === 0;
(asRoot ? test.skip : test)(
  "fileSource() throws SOURCE_FORBIDDEN for a file that may not be read",
  async (t) => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file("disk"), "x");
    await chmod(folder.file("disk"), 0);
    t.is(
      (await failure(() => collect(fileSource(folder.file("disk")).bytes(testContext())))).code,
      "SOURCE_FORBIDDEN",
    );
  },
);

test("fileSource() throws SOURCE_CHANGED when the file was written to between facts and bytes", async (t) => {
  await using folder = await temporaryFolder();
  const path = folder.file("disk");
  await writeFile(path, "first");
  const source = fileSource(path);
  await source.facts(testContext());
  await appendFile(path, "second");
  t.is((await failure(() => collect(source.bytes(testContext())))).code, "SOURCE_CHANGED");
});

for (const [what, change] of [
  ["grew", (path: string) => appendFile(path, "more")],
  ["was cut short", (path: string) => truncate(path, 2 * MIB)],
] as const) {
  test(`fileSource() throws SOURCE_CHANGED when the file ${what} while it was read`, async (t) => {
    await using folder = await temporaryFolder();
    const path = folder.file("disk");
    await writeFile(path, seededBytes("disk", 8 * MIB));
    const bytes = fileSource(path).bytes(testContext());
    const read = async () => {
      let first = true;
      for await (const chunk of bytes) {
        if (first) await change(path);
        first = chunk.byteLength === 0;
      }
    };
    t.is((await failure(read)).code, "SOURCE_CHANGED");
  });
}

test("fileSource() ends with the reason of the abort and leaves no listener", async (t) => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("disk"), seededBytes("disk", 8 * MIB));
  const controller = new AbortController();
  const reason = new Error("enough");
  const bytes = fileSource(folder.file("disk")).bytes(testContext({ signal: controller.signal }));
  const read = async () => {
    for await (const chunk of bytes) controller.abort(chunk.byteLength > 0 ? reason : undefined);
  };
  t.is(await t.throwsAsync(read), reason);
});

for (const [what, writes] of [
  ["has no writer", false],
  ["has a writer that writes nothing", true],
] as const) {
  test(`fileSource() that waits for a FIFO which ${what} ends with the reason of an abort`, async (t) => {
    await using folder = await temporaryFolder();
    const path = folder.file("fifo");
    execFileSync("mkfifo", [path]);
    const controller = new AbortController();
    const reason = new Error("enough");
    const reading = collect(fileSource(path).bytes(testContext({ signal: controller.signal })));
    const writer = writes ? await open(path, "w") : undefined;
    setImmediate(() => controller.abort(reason));
    t.is(await t.throwsAsync(reading), reason);
    t.deepEqual(getEventListeners(controller.signal, "abort"), []);
    await writer?.close();
  });
}

test("fileSource() closes its file when the consumer stops early", async (t) => {
  await using folder = await temporaryFolder();
  const path = folder.file("disk");
  await writeFile(path, seededBytes("disk", 8 * MIB));
  for await (const chunk of fileSource(path).bytes(testContext())) {
    t.is(chunk.byteLength, MIB);
    t.is(await openFilesAt(path), 1);
    break;
  }
  t.is(await openFilesAt(path), 0);
});

/** How many descriptors of this process are open on `path`; one that closes while we look is none. */
async function openFilesAt(path: string): Promise<number> {
  const descriptors = await readdir("/proc/self/fd");
  const targets = await Promise.all(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")));
  return targets.filter((target) => target === path).length;
}
