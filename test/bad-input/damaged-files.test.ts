import { execFile } from "node:child_process";
import { appendFile, open, stat, truncate, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { seededBytes } from "../../fixtures/seeded.ts";
import type { ErrorCode } from "../../pipeline/errors.ts";
import { type BadInputFolder, refuses } from "../support/bad-input.ts";
import { requires } from "../support/requires.ts";

const MIB = 1024 * 1024;
const run = promisify(execFile);

/** How a program packs `disk.raw` into a file, which is then spoilt. */
const WRAPPINGS = {
  "gzip data": ["gzip", "-k", "disk.raw", "disk.raw.gz"],
  "xz data": ["xz", "-k0", "disk.raw", "disk.raw.xz"],
  "zstd data": ["zstd", "-qk", "disk.raw", "disk.raw.zst"],
  "bzip2 data": ["bzip2", "-k", "disk.raw", "disk.raw.bz2"],
  "a tar archive": ["tar", "-cf", "disk.tar", "disk.raw", "disk.tar"],
} as const;

const TEST_PROGRAMS = ["gzip", "xz", "zstd", "bzip2", "tar"];
const test = requires(...TEST_PROGRAMS);

async function cut(path: string): Promise<void> {
  await truncate(path, Math.floor((await stat(path)).size / 2));
}

async function turnBit(path: string): Promise<void> {
  await using file = await open(path, "r+");
  const at = Math.floor((await file.stat()).size / 2);
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.of(buffer[0]! ^ 0x10), 0, 1, at);
}

const append = (path: string) => appendFile(path, seededBytes("garbage", 3000));

const SPOILT: readonly (readonly [string, (path: string) => Promise<void>, ErrorCode, ErrorCode?])[] = [
  ["cut in half", cut, "DECOMPRESSION_FAILED", "ARCHIVE_INVALID"],
  ["with garbage behind it", append, "TRAILING_DATA"],
  ["with a bit turned over", turnBit, "DECOMPRESSION_FAILED"],
];

for (const [what, [program, ...args]] of Object.entries(WRAPPINGS)) {
  const isTar = program === "tar";
  for (const [how, spoil, code, codeOfTar = code] of SPOILT) {
    if (isTar && spoil === turnBit) continue; // tar has no digest of the content: a digest is for the manifest to state
    refuses(test, {
      title: `convert of ${what} ${how}`,
      code: isTar ? codeOfTar : code,
      async arrange(folder) {
        await writeFile(folder.file("disk.raw"), seededBytes(what, MIB));
        await run(program, args.slice(0, -1), { cwd: folder.path });
        const path = folder.file(args.at(-1)!);
        await spoil(path);
        return ["convert", path, folder.file("out.raw")];
      },
    });
  }
}

/** A disk of 3 MiB in another format, made by qemu-img. */
async function image(folder: BadInputFolder, format: string): Promise<string> {
  await writeFile(folder.file("disk.raw"), seededBytes("image", 3 * MIB));
  const path = folder.file("disk.img");
  await run("qemu-img", ["convert", "-f", "raw", "-O", format, folder.file("disk.raw"), path]);
  return path;
}

for (const format of ["qcow2", "vmdk", "vhdx", "vdi", "vpc"]) {
  refuses(requires("qemu-img"), {
    title: `convert of a ${format} cut in half`,
    code: "IMAGE_CORRUPT",
    async arrange(folder) {
      const path = await image(folder, format);
      await cut(path);
      return ["convert", path, folder.file("out.raw")];
    },
  });
}

refuses(requires("qemu-img"), {
  title: "convert of a VHD with garbage behind its footer",
  code: "IMAGE_CORRUPT",
  says: /no footer at its end/,
  async arrange(folder) {
    const path = await image(folder, "vpc");
    await append(path);
    return ["convert", path, folder.file("out.qcow2")];
  },
});

refuses(requires("qemu-img"), {
  title: "convert of a disk declared to be what it is not",
  code: "FORMAT_MISMATCH",
  async arrange(folder) {
    return ["convert", await image(folder, "vmdk"), folder.file("out.raw"), "--from", "qcow2"];
  },
});
