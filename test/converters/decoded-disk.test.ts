import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertDisk } from "../../converters/index.ts";
import { decodedDisk } from "../../converters/decoded-disk.ts";
import { seededDisk } from "../../fixtures/seeded.ts";
import { digestBlocks } from "../../pipeline/digest-blocks.ts";
import { diskDigester } from "../../pipeline/disk-digest.ts";
import { FORMAT_NAMES } from "../../pipeline/disk-format.ts";
import { testContext } from "../support/context.ts";
import { failure } from "../support/errors.ts";
import { hashingThreads } from "../support/hashing-threads.ts";
import { processesWith } from "../support/processes.ts";
import { requires } from "../support/requires.ts";

const testQemu = requires("qemu-img", "qemu-nbd");
const context = (rest: Parameters<typeof testContext>[0] = {}) =>
  testContext({ threads: hashingThreads, ...rest });

async function folderOf(t: { teardown(fn: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "diskferry-test-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function digestOf(content: Uint8Array): Promise<string> {
  const digester = diskDigester(context());
  await digester.update(content);
  return (await digester.finish()).digest;
}

testQemu("decodedDisk() serves every format with its holes, and a raw image from its own file", async (t) => {
  const folder = await folderOf(t);
  const disk = Buffer.concat([
    seededDisk("decoded", { sizeBytes: 65_536, every: 1 }),
    Buffer.alloc(32 * 1024 ** 2),
  ]);
  const raw = join(folder, "raw");
  await writeFile(raw, disk.subarray(0, 65_536));
  await truncate(raw, disk.byteLength);
  for (const format of FORMAT_NAMES) {
    const path = join(folder, `disk.${format}`);
    await convertDisk({ from: { path: raw, format: "raw" }, to: { path, format } }, context());
    await using decoded = await decodedDisk({ path, format }, context());
    t.is(decoded.sizeBytes, disk.byteLength);
    t.is(decoded.locator?.kind, format === "raw" ? "file" : "nbd");
    const zeroBytes = (await Array.fromAsync(decoded.extents(0, decoded.sizeBytes, context())))
      .filter(({ kind }) => kind === "zero")
      .reduce((sum, { length }) => sum + length, 0);
    // qemu's VHDX driver has no allocation map (block/vhdx.c has no bdrv_co_block_status).
    if (format !== "vhdx") t.true(zeroBytes > 24 * 1024 ** 2, `${format} has ${zeroBytes} zero bytes`);
    t.is((await digestBlocks(decoded, context())).digest, await digestOf(disk));
    const piece = Buffer.alloc(1000);
    await decoded.read(65_036, piece, context());
    t.true(piece.equals(disk.subarray(65_036, 66_036)), format);
  }
});

testQemu("decodedDisk() reads a raw image also without qemu", async (t) => {
  const folder = await folderOf(t);
  await writeFile(join(folder, "raw"), Buffer.alloc(1024));
  const bare = context({ programPath: "/nonexistent" });
  await using disk = await decodedDisk({ path: join(folder, "raw"), format: "raw" }, bare);
  t.is(disk.sizeBytes, 1024);
  const missing = await failure(() => decodedDisk({ path: join(folder, "raw"), format: "qcow2" }, bare));
  t.is(missing.code, "PROGRAM_MISSING");
});

testQemu("decodedDisk() leaves no process when it is disposed, and none when it fails", async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, "raw");
  await writeFile(path, Buffer.alloc(1024));
  const disk = await decodedDisk({ path, format: "raw" }, context());
  t.is(processesWith(path).length, 1);
  await disk[Symbol.asyncDispose]();
  t.deepEqual(processesWith(path), []);
  t.is((await failure(() => decodedDisk({ path, format: "qcow2" }, context()))).code, "IMAGE_CORRUPT");
  t.deepEqual(processesWith(path), []);
});

testQemu("decodedDisk() ends with the reason of an abort, and leaves no process", async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, "raw");
  await writeFile(path, Buffer.alloc(1024));
  const stop = new AbortController();
  const reason = new Error("enough");
  const log = {
    warn() {},
    debug: (_message: string, fields?: object) => {
      if (fields !== undefined && "program" in fields && fields.program === "qemu-nbd") stop.abort(reason);
    },
  };
  const opening = decodedDisk({ path, format: "raw" }, context({ signal: stop.signal, log }));
  t.is(await t.throwsAsync(opening), reason);
  t.deepEqual(processesWith(path), []);
});

testQemu(
  "decodedDisk() pads the last sector of a raw image, with and without threads that read",
  async (t) => {
    const folder = await folderOf(t);
    const path = join(folder, "raw");
    const content = seededDisk("padded", { sizeBytes: 1000, every: 1 });
    await writeFile(path, content);
    await using disk = await decodedDisk({ path, format: "raw" }, context());
    t.is(disk.sizeBytes, 1024);
    t.is(
      (await digestBlocks(disk, context())).digest,
      await digestOf(Buffer.concat([content, Buffer.alloc(24)])),
    );
  },
);
