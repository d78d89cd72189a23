import { readFile } from "node:fs/promises";

/** Linux counts the size of every block device in these, whatever its own sector size (Documentation/ABI/stable/sysfs-block). */
const SYSFS_SECTOR_BYTES = 512;

/** Length of the block device with this `rdev`, which `stat` reports as 0. Throws the system error of reading sysfs. */
export async function blockDeviceBytes(rdev: bigint): Promise<number> {
  const text = await readFile(`${sysfsFolder(rdev)}/size`, "utf8");
  return Number(text) * SYSFS_SECTOR_BYTES;
}

/** Whether the device, or the disk under the partition, makes zeroes itself without their being sent. */
export async function hasFastZeroes(rdev: bigint): Promise<boolean> {
  for (const queue of ["queue", "../queue"]) {
    const text = await readFile(`${sysfsFolder(rdev)}/${queue}/write_zeroes_max_bytes`, "utf8").catch(
      () => "0",
    );
    if (Number(text) > 0) return true;
  }
  return false;
}

/** Splits as glibc's gnu_dev_major and gnu_dev_minor do. */
function sysfsFolder(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return `/sys/dev/block/${major}:${minor}`;
}
