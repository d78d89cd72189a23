import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { seededBytes } from "../../fixtures/seeded.ts";
import { refuses } from "../support/bad-input.ts";
import { fakePrograms } from "../support/fake-programs.ts";
import { requires } from "../support/requires.ts";

const MIB = 1024 * 1024;
const DISK = seededBytes("machine", 8 * MIB);
const run = promisify(execFile);
const withQemu = requires("qemu-img", "qemu-nbd");

for (const [title, flags, code, says] of [
  ["in a folder that is not there", ["--scratch-dir", "/nowhere"], "SCRATCH_UNWRITABLE", /--scratch-dir/],
  ["that is a file", ["--scratch-dir", import.meta.filename], "SCRATCH_UNWRITABLE", /--scratch-dir/],
  ["of too little", ["--scratch-limit", "1M"], "SCRATCH_EXCEEDED", /--scratch-limit/],
] as const) {
  refuses(withQemu, {
    title: `convert with scratch ${title}`,
    code,
    says,
    async arrange(folder) {
      await writeFile(folder.file("disk.raw.gz"), gzipSync(DISK, { level: 1 }));
      return ["convert", folder.file("disk.raw.gz"), folder.file("out.qcow2"), ...flags];
    },
  });
}

for (const [title, command] of [
  ["convert to qcow2", ["convert", "disk.raw", "out.qcow2"]],
  ["convert of a qcow2 to raw", ["convert", "disk.qcow2", "out.raw"]],
  ["digest of a qcow2", ["digest", "disk.qcow2"]],
  ["compare", ["compare", "disk.raw", "disk.qcow2"]],
  ["convert of a qcow2 to vmdk", ["convert", "disk.qcow2", "out.vmdk"]],
] as const) {
  refuses(requires("qemu-img"), {
    title: `${title} without qemu-img`,
    code: "PROGRAM_MISSING",
    says: /apt-get install qemu-utils/,
    async arrange(folder) {
      await writeFile(folder.file("disk.raw"), DISK);
      await run("qemu-img", ["create", "-f", "qcow2", folder.file("disk.qcow2"), "1M"]);
      await mkdir(folder.file("empty"));
      const [name, ...files] = command;
      return {
        args: [name, ...files.map((file) => folder.file(file))],
        variables: { PATH: folder.file("empty") },
      };
    },
  });
}

for (const [fake, code] of [
  ["killed-in-convert", "PROGRAM_FAILED"],
  ["fails-in-convert", "PROGRAM_FAILED"],
  ["full-in-convert", "DESTINATION_FULL"],
  ["leaves-tables-corrupt", "IMAGE_CORRUPT"],
] as const) {
  for (const source of ["disk.raw", "disk.raw.gz"]) {
    refuses(withQemu, {
      title: `convert of ${source} with a qemu-img of the sort "${fake}"`,
      code,
      async arrange(folder) {
        const content = source.endsWith(".gz") ? gzipSync(DISK, { level: 1 }) : DISK;
        await writeFile(folder.file(source), content);
        const args = ["convert", folder.file(source), folder.file("out.qcow2")];
        return { args, variables: { PATH: fakePrograms(fake) } };
      },
    });
  }
}

refuses(withQemu, {
  title: "convert by a qemu-img that gets one byte wrong",
  code: "DIGEST_MISMATCH",
  async arrange(folder) {
    await writeFile(folder.file("disk.raw"), DISK);
    const args = ["convert", folder.file("disk.raw"), folder.file("out.raw")];
    return { args, variables: { PATH: fakePrograms("damages-in-convert") } };
  },
});
