import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertDisk } from "../../converters/index.ts";
import { decodedDisk } from "../../converters/decoded-disk.ts";
import { digestBlocks } from "../../pipeline/digest-blocks.ts";
import { type DiskFormat, FORMAT_NAMES } from "../../pipeline/disk-format.ts";
import type { ErrorCode } from "../../pipeline/errors.ts";
import { testContext } from "../support/context.ts";
import { failure } from "../support/errors.ts";
import { hashingThreads } from "../support/hashing-threads.ts";
import { requiresShared, sharedFile } from "../support/shared.ts";

const context = () => testContext({ threads: hashingThreads });

interface Folder {
  teardown(fn: () => Promise<void>): void;
}

/** A private, read-only copy of a shared image, unpacked. */
async function image(t: Folder, name: string): Promise<{ folder: string; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), "diskferry-test-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "image");
  const shared = sharedFile(`images/${name}`);
  if (name.endsWith(".bz2")) {
    await writeFile(path, execFileSync("bzip2", ["-dc", shared], { maxBuffer: 2 ** 30 }));
  } else await copyFile(shared, path);
  await chmod(path, 0o400);
  return { folder, path };
}

async function sha256(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

/** Images of other people's software, with the guest-visible size that qemu gives them. */
const IMAGES: readonly (readonly [name: string, format: DiskFormat, virtualSizeBytes: number])[] = [
  ["dfvfs-ext2.qcow2", "qcow2", 4_194_304],
  ["dfvfs-ext2.vmdk", "vmdk", 4_194_304],
  // Its footer says 4,194,304; its creator "vpc " counts by the CHS geometry, which is larger.
  ["dfvfs-ext2.vhd", "vhd", 4_212_736],
  ["grub_mbr.raw.bz2", "raw", 512],
  ["d2v-zerofilled.vhd.bz2", "vhd", 263_454_720],
  ["iotest-dynamic-1G.vhdx.bz2", "vhdx", 1_073_741_824],
  ["iotest-version3.vmdk.bz2", "vmdk", 17_179_869_184],
];

for (const [name, format, virtualSizeBytes] of IMAGES) {
  requiresShared(`images/${name}`).serial(
    `convertDisk() keeps the disk digest of ${name} in every format, and every byte of the source`,
    async (t) => {
      const { folder, path } = await image(t, name);
      const before = await sha256(path);
      await using disk = await decodedDisk({ path, format }, context());
      const { digest, sizeBytes } = await digestBlocks(disk, context());
      t.is(sizeBytes, virtualSizeBytes);
      for (const target of FORMAT_NAMES) {
        const to = { path: join(folder, "result"), format: target };
        const result = await convertDisk({ from: { path, format }, to }, context());
        t.like(result, { diskDigest: digest, virtualSizeBytes }, target);
        await rm(to.path);
      }
      t.is(await sha256(path), before);
      t.deepEqual(await readdir(folder), ["image"]);
    },
  );
}

const testShared = requiresShared("images/dfvfs-ext2.qcow2");

testShared(
  "digestBlocks() gives one digest for the same ext2 file system in qcow2 and VMDK, and in the first 4 MiB of the VHD",
  async (t) => {
    const digests: string[] = [];
    let content: Buffer | undefined;
    for (const format of ["qcow2", "vmdk", "vhd"] as const) {
      const { path } = await image(t, `dfvfs-ext2.${format}`);
      await using disk = await decodedDisk({ path, format }, context());
      digests.push((await digestBlocks(disk, context())).digest);
      const start = Buffer.alloc(4_194_304);
      await disk.read(0, start, context());
      content ??= start;
      t.true(start.equals(content), format);
      t.true(start.readUInt16LE(1024 + 56) === 0xef53, "an ext2 superblock");
    }
    t.is(digests[0], digests[1]);
    t.not(digests[0], digests[2], "the VHD's disk is longer");
  },
);

const REFUSED: readonly (readonly [name: string, format: DiskFormat, code: ErrorCode, message: RegExp])[] = [
  ["iotest-dirtylog-10G-4M.vhdx.bz2", "vhdx", "SOURCE_UNSUITABLE", /VHDX log holds changes/],
  ["afl9.vmdk.bz2", "vmdk", "IMAGE_CORRUPT", /as vmdk: .*"\/[^{}]+\/image": L1 size too big$/],
  ["dfvfs-ext2.vmdk", "qcow2", "IMAGE_CORRUPT", /not in qcow2 format/],
  ["simple-pattern.cloop.bz2", "vhdx", "IMAGE_CORRUPT", /as vhdx/],
];

for (const [name, format, code, message] of REFUSED) {
  requiresShared(`images/${name}`)(
    `convertDisk() refuses ${name} as ${format} with ${code}, untouched`,
    async (t) => {
      const { folder, path } = await image(t, name);
      const before = await sha256(path);
      const to = { path: join(folder, "result"), format: "qcow2" } as const;
      const error = await failure(() => convertDisk({ from: { path, format }, to }, context()));
      t.is(error.code, code);
      t.regex(error.message, message);
      t.truthy(error.remedy);
      t.is(await sha256(path), before);
      t.deepEqual(await readdir(folder), ["image"]);
    },
  );
}
