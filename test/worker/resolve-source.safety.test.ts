import { readFile, readdir, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import type { ExecutionContext } from "ava";
import { COMMANDS } from "../../cli/commands/index.ts";
import { runCli } from "../../cli/program.ts";
import { qcow2Image, withBackingFile } from "../../fixtures/hostile/good/qcow2.ts";
import { vhdxImage } from "../../fixtures/hostile/good/vhdx.ts";
import { decompress } from "../../stages/transforms/decompress.ts";
import { chunked, collect } from "../support/bytes.ts";
import { testCli } from "../support/cli.ts";
import { testContext } from "../support/context.ts";
import { temporaryFolder } from "../support/folder.ts";
import { requires } from "../support/requires.ts";
import { requiresShared, sharedFile } from "../support/shared.ts";

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

requiresShared("images/iotest-dirtylog-10G-4M.vhdx.bz2")(
  "convert --repair replays the log of a VHDX on a copy, and leaves the source as it is",
  async (t) => {
    await using folder = await temporaryFolder();
    const path = folder.file("dirty.vhdx");
    const packed = await readFile(sharedFile("images/iotest-dirtylog-10G-4M.vhdx.bz2"));
    const image = await collect(decompress("bzip2").transform(chunked(packed), testContext()));
    await writeFile(path, image);
    const run = async (...flags: string[]) => {
      const cli = testCli();
      const args = ["convert", path, folder.file("out.qcow2"), "--scratch-dir", folder.path, ...flags];
      return { status: await runCli(args, cli, COMMANDS), said: cli.stderr() + cli.stdout() };
    };
    const refused = await run();
    t.is(refused.status, 6);
    t.regex(refused.said, /--repair/);
    t.is((await run("--repair", "--scratch-limit", "1m")).status, 5, "the copy counts as scratch");
    const mended = await run("--repair");
    t.is(mended.status, 0, mended.said);
    t.true((await readFile(path)).equals(image));
    t.deepEqual((await readdir(folder.path)).toSorted(), [
      "dirty.vhdx",
      "out.qcow2",
      "out.qcow2.diskferry.json",
    ]);
  },
);

test("convert --repair mends nothing of an image that is refused for another reason as well", async (t) => {
  const image = vhdxImage({
    header: (header) => header.fill(7, 48, 64),
    metadata: (metadata) => metadata.writeUInt32LE(2, 65_536 + 4),
  });
  const { status, said } = await converted(image, ["image", "out.raw", "--repair"], t);
  t.is(status, 6);
  t.regex(said, /differencing/);
  t.notRegex(said, /start program/);
});
