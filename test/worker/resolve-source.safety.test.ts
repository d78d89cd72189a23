import { readFile, readdir, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import type { ExecutionContext } from "ava";
import { COMMANDS } from "../../cli/commands/index.ts";
import { runCli } from "../../cli/program.ts";
import { qcow2Image, withBackingFile } from "../../fixtures/hostile/good/qcow2.ts";
import { testCli } from "../support/cli.ts";
import { temporaryFolder } from "../support/folder.ts";
import { requires } from "../support/requires.ts";

const test = requires("qemu-img", "qemu-nbd");
const hostile = withBackingFile(qcow2Image(), "/etc/passwd");

/** Runs `convert` on `content` as a file, or as standard input where the source is `-`. */
async function converted(content: Buffer, args: readonly string[], t: ExecutionContext) {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("image"), content);
  const [source = "", destination = "", ...flags] = args;
  const cli = testCli({ inputBytes: content });
  const at = (name: string) => (name === "-" ? name : folder.file(name));
  const status = await runCli(["convert", at(source), at(destination), ...flags, "--trace"], cli, COMMANDS);
  if (status !== 0) t.deepEqual(await readdir(folder.path), ["image"]);
  return {
    status,
    said: cli.stderr(),
    output:
      destination === "-" ? cli.stdoutBytes() : await readFile(at(destination)).catch(() => Buffer.alloc(0)),
  };
}

test("resolveSource() takes a disk that starts like an image for raw only with --allow-nested", async (t) => {
  const refused = await converted(hostile, ["image", "out.raw", "--from", "raw"], t);
  t.is(refused.status, 6);
  t.regex(refused.said, /--allow-nested/);
  for (const source of ["image", "-"]) {
    const { status, output } = await converted(
      hostile,
      [source, "out.raw", "--from", "raw", "--allow-nested"],
      t,
    );
    t.is(status, 0);
    t.true(output.equals(hostile));
  }
});

test("resolveSource() refuses a hostile image in a pipe, plain or packed, before any program starts", async (t) => {
  for (const content of [hostile, gzipSync(hostile)]) {
    const { status, said } = await converted(content, ["-", "out.raw"], t);
    t.is(status, 6);
    t.regex(said, /backing file/);
    t.notRegex(said, /start program/);
  }
});

for (const destination of ["out.raw", "-"]) {
  test(`convert to ${destination} refuses an image that comes to life in the result`, async (t) => {
    const { status, said } = await converted(qcow2Image(hostile), ["image", destination], t);
    t.is(status, 6);
    t.regex(said, /declared raw and carries the mark of qcow2/);
  });
}

test("convert keeps an image inside an image where the result is no raw disk", async (t) => {
  t.is((await converted(qcow2Image(hostile), ["image", "out.vmdk"], t)).status, 0);
});

test("resolveSource() tells of warnings and goes on", async (t) => {
  const dirty = qcow2Image();
  dirty.writeUInt32BE(1, 76);
  const { status, said } = await converted(dirty, ["image", "out.raw"], t);
  t.is(status, 0);
  t.regex(said, /not closed properly/);
});
