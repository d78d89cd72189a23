import { execFileSync } from "node:child_process";
import { mkdtemp, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededBytes } from "../../fixtures/seeded.ts";
import { intactImage } from "../../converters/intact-image.ts";
import type { DiskFormat } from "../../pipeline/disk-format.ts";
import { testContext } from "../support/context.ts";
import { failure } from "../support/errors.ts";
import { requires } from "../support/requires.ts";

const MiB = 1024 * 1024;

for (const [format, driver, ...options] of [
  ["qcow2", "qcow2"],
  ["qcow2", "qcow2", "-c"],
  ["vmdk", "vmdk"],
  ["vmdk", "vmdk", "-o", "subformat=streamOptimized"],
  ["vhd", "vpc"],
  ["vhd", "vpc", "-o", "subformat=fixed"],
  ["vhdx", "vhdx"],
  ["vdi", "vdi"],
  ["vdi", "vdi", "-o", "static=on"],
] as const satisfies readonly (readonly [DiskFormat, ...string[]])[]) {
  const title = [driver, ...options].join(" ");
  requires("qemu-img")(`intactImage() takes a whole ${title} and refuses one that was cut off`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "intact-"));
    t.teardown(() => rm(folder, { recursive: true }));
    const path = join(folder, "image");
    await writeFile(join(folder, "raw"), seededBytes("intact", 8 * MiB));
    execFileSync("qemu-img", ["convert", "-f", "raw", "-O", driver, ...options, join(folder, "raw"), path]);
    t.true((await intactImage({ path, format }, testContext())).virtualSizeBytes >= 8 * MiB);
    const { size } = await stat(path);
    for (const lengthBytes of [size - 2 * MiB, Math.floor(size / 2)]) {
      await truncate(path, lengthBytes);
      const error = await failure(() => intactImage({ path, format }, testContext()));
      t.is(error.code, "IMAGE_CORRUPT", `${lengthBytes} of ${size}`);
      t.truthy(error.remedy);
    }
  });
}
