import { decodedDisk } from "../converters/decoded-disk.ts";
import { intactImage } from "../converters/intact-image.ts";
import type { Blocks, Context } from "../pipeline/contract.ts";
import type { ImageFile } from "../programs/qemu-node.ts";

/** The guest-visible disk of a local image of which nothing is missing. Throws as `intactImage` and `decodedDisk`. */
export async function openDisk(image: ImageFile, context: Context): Promise<Blocks> {
  if (image.format !== "raw") await intactImage(image, context); // a raw disk has no tables, and needs no qemu
  return await decodedDisk(image, context);
}
