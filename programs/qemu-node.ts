import { resolve } from "node:path";
import { DISK_FORMATS, type DiskFormat } from "../pipeline/disk-format.ts";

/** An image file and what it is to be opened as; never guessed. */
export interface ImageFile {
  readonly path: string;
  readonly format: DiskFormat;
  /** Guest-visible size of a raw image that does not end where its file or device does. */
  readonly sizeBytes?: number;
}

/**
 * The image as a qemu block node in the `json:` syntax, which every qemu program takes for a file name. Format and
 * protocol are explicit, so nothing is probed and no file name is taken for an address; the path needs no escaping. A
 * qcow2 is opened without the backing file its header may name (qemu docs/system/qemu-block-drivers, `backing: null`).
 */
export function imageNode(image: ImageFile): string {
  const { driver } = DISK_FORMATS[image.format];
  return `json:${JSON.stringify({
    driver,
    ...(image.format === "qcow2" ? { backing: null } : {}),
    ...(image.format === "raw" && image.sizeBytes !== undefined ? { size: image.sizeBytes } : {}),
    file: { driver: "file", filename: resolve(image.path) },
  })}`;
}
