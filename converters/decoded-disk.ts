import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Blocks, Context } from "../pipeline/contract.ts";
import { SECTOR_BYTES } from "../pipeline/disk-format.ts";
import { findProgram } from "../programs/find-program.ts";
import { QEMU_NBD, serveDisk } from "../programs/qemu-nbd.ts";
import type { ImageFile } from "../programs/qemu-node.ts";
import { fileBlocks } from "../stages/blocks/file.ts";
import { nbdBlocks } from "../stages/blocks/nbd/client.ts";
import { openableImage } from "./source-image.ts";

/**
 * The guest-visible disk of a local image, read-only, with its allocation map; disposing ends the qemu process. A raw
 * image is read from its file, and qemu only tells its holes: without qemu-nbd it is all data. One that ends within a
 * sector has that sector padded with zeroes, as every hypervisor shows it. Throws SOURCE_NOT_FOUND, SOURCE_FORBIDDEN,
 * SOURCE_UNSUITABLE, IMAGE_UNSAFE, IMAGE_CORRUPT, PROGRAM_MISSING, PROGRAM_FAILED.
 */
export async function decodedDisk(image: ImageFile, context: Context): Promise<Blocks> {
  const isPlain = image.format === "raw" && (await endsWithSector(image));
  if (isPlain && (await findProgram(QEMU_NBD.program, context)) === undefined) {
    return await fileBlocks(image.path, context);
  }
  await openableImage(image, context);
  await using opening = new AsyncDisposableStack();
  const server = opening.use(await serveDisk(image, context));
  const { socketPath, exportName } = server;
  const disk = opening.use(await nbdBlocks({ socketPath, exportName, name: image.path }, context));
  const opened = opening.move();
  return {
    ...disk,
    ...(isPlain ? { locator: { kind: "file", path: resolve(image.path) } } : {}),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Whether the file has what the guest sees, byte for byte. */
async function endsWithSector({ path, sizeBytes }: ImageFile): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined); // what is wrong with the path is said when it is opened
  if (stats === undefined || !stats.isFile()) return false;
  return sizeBytes === undefined ? stats.size % SECTOR_BYTES === 0 : sizeBytes <= stats.size;
}
