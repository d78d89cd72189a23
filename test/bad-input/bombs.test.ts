import { execFile, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gzipSync, zstdCompressSync } from "node:zlib";
import test from "ava";
import { refuses } from "../support/bad-input.ts";
import { requires } from "../support/requires.ts";

const MIB = 1024 * 1024;
const run = promisify(execFile);

for (const program of ["gzip", "xz", "zstd", "bzip2"]) {
  // To a raw file it is streamed, to others it goes through scratch.
  for (const out of program === "gzip" ? ["out.raw", "out.qcow2"] : ["out.raw"]) {
    refuses(requires(program, "qemu-img"), {
      title: `convert of 24 MiB that ${program} made small, to ${out} with --max-size 8M,`,
      code: "SIZE_EXCEEDED",
      says: /8 MiB|8388608 bytes/,
      async arrange(folder) {
        await writeFile(folder.file("bomb"), Buffer.alloc(24 * MIB));
        const { stdout } = await run(program, ["-c", "bomb"], { cwd: folder.path, encoding: "buffer" });
        await writeFile(folder.file("bomb"), stdout);
        return ["convert", folder.file("bomb"), folder.file(out), "--max-size", "8M"];
      },
    });
  }
}

refuses(test, {
  title: "convert of more than a gibibyte that zstd made small, with --max-ratio 100,",
  code: "RATIO_EXCEEDED",
  says: /at most 100 times/,
  async arrange(folder) {
    // Frame behind frame, past the grace of a gibibyte in which any ratio is allowed.
    const frame = zstdCompressSync(Buffer.alloc(64 * MIB));
    await writeFile(folder.file("bomb"), Buffer.concat(Array.from({ length: 18 }, () => frame)));
    return ["convert", folder.file("bomb"), folder.file("out.raw"), "--max-ratio", "100"];
  },
});

refuses(test, {
  title: "convert of a gzip of a gzip and so on, five deep,",
  code: "IMAGE_UNSAFE",
  says: /more than 4 layers/,
  async arrange(folder) {
    let content = Buffer.from(gzipSync(Buffer.alloc(MIB)));
    for (let depth = 1; depth < 5; depth++) content = Buffer.from(gzipSync(content));
    await writeFile(folder.file("nest"), content);
    return ["convert", folder.file("nest"), folder.file("out.raw")];
  },
});

refuses(requires("qemu-img"), {
  title: "convert of a qcow2 of 8 EiB in 200 KiB",
  code: "SIZE_EXCEEDED",
  async arrange(folder) {
    await run("qemu-img", ["create", "-f", "qcow2", "-o", "cluster_size=2M", folder.file("huge"), "8191T"]);
    return ["convert", folder.file("huge"), folder.file("out.raw")];
  },
});

/** What Python's tarfile would write: headers made by hand, as tar itself refuses to make most of these. */
function header(name: string, type: string, sizeBytes: number, link = ""): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0);
  block.write(["0000644", "0000000", "0000000", ""].join("\0"), 100);
  block.write(`${sizeBytes.toString(8).padStart(11, "0")}\0${"0".repeat(11)}\0        ${type}${link}`, 124);
  block.write(["ustar", "00"].join("\0"), 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

const DISK = Buffer.alloc(512, 7);
const END = Buffer.alloc(1024);

for (const [title, blocks, code] of [
  ["whose path leads up", [header("../../etc/disk.raw", "0", 512), DISK], "ARCHIVE_UNSAFE"],
  ["whose path is absolute", [header("/etc/disk.raw", "0", 512), DISK], "ARCHIVE_UNSAFE"],
  ["that is a symbolic link", [header("disk.raw", "2", 0, "/etc/passwd")], "ARCHIVE_UNSAFE"],
  ["that is a hard link", [header("disk.raw", "1", 0, "/etc/passwd")], "ARCHIVE_UNSAFE"],
  ["that is a device", [header("disk.raw", "4", 0)], "ARCHIVE_UNSAFE"],
  [
    "among ten thousand others",
    [
      ...Array.from({ length: 10_001 }, (_, index) => header(`f${index}`, "0", 0)),
      header("disk.raw", "0", 512),
      DISK,
    ],
    "ARCHIVE_UNSAFE",
  ],
  ["larger than any image", [header("disk.raw", "0", 8 ** 11 - 512), DISK], "ARCHIVE_INVALID"],
  ["one of two", [header("a.raw", "0", 512), DISK, header("b.raw", "0", 512), DISK], "MEMBER_NOT_FOUND"],
] as const) {
  refuses(test, {
    title: `convert of a tar with a disk ${title}`,
    code,
    async arrange(folder) {
      await writeFile(folder.file("disk.tar"), Buffer.concat([...blocks, END]));
      return ["convert", folder.file("disk.tar"), folder.file("out.raw")];
    },
  });
}

/** Nobody knows the size of these beforehand. */
for (const [out, flags] of [
  ["out.raw", []],
  ["out.qcow2", []],
  ["out.qcow2", ["--from", "qcow2"]],
] as const) {
  refuses(requires("qemu-img", "mkfifo"), {
    title: `convert of a FIFO that never ends to ${[out, ...flags].join(" ")} with --max-size 8M`,
    code: flags.length === 0 ? "SIZE_EXCEEDED" : "FORMAT_MISMATCH",
    async arrange(folder, cleanup) {
      await run("mkfifo", [folder.file("fifo")]);
      const endless = spawn("sh", ["-c", `exec cat /dev/zero > fifo`], { cwd: folder.path, stdio: "ignore" });
      cleanup.defer(() => void endless.kill());
      return ["convert", folder.file("fifo"), folder.file(out), "--max-size", "8M", ...flags];
    },
  });
}
