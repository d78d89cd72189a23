import { open } from "node:fs/promises";
import type { Context } from "../pipeline/contract.ts";
import { CHECKABLE } from "../pipeline/disk-format.ts";
import { ImportError } from "../pipeline/errors.ts";
import { qemuImg } from "../programs/qemu-img.ts";
import type { ImageFile } from "../programs/qemu-node.ts";
import type { ImageInfo } from "../programs/qemu-reports.ts";
import { openableImage } from "./source-image.ts";

/**
 * As `openableImage`, and none of the image's tables lead out of its file: qemu reads what was cut off from a qcow2 or
 * VDI as zeroes without a word, so a truncated download would become a disk with holes in it. Reads tables, no data.
 * Throws IMAGE_CORRUPT besides.
 */
export async function intactImage(image: ImageFile, context: Context): Promise<ImageInfo> {
  const info = await openableImage(image, context);
  // qemu opens no VHD whose file is too short, and its check of VDI does not compare with the length of the file.
  if (image.format === "vdi") await checkVdiLength(image.path);
  else if (CHECKABLE.includes(image.format)) await checkTables(image, context);
  return info;
}

async function checkTables(image: ImageFile, context: Context): Promise<void> {
  const { path, format } = image;
  let found: string;
  let cause: unknown;
  try {
    const { corruptionCount, errorCount } = await qemuImg.check(image, context);
    if (corruptionCount === 0 && errorCount === 0) return;
    found = `${corruptionCount} corruptions and ${errorCount} errors`;
  } catch (error) {
    // Of a truncated VMDK the check itself fails, with the words that say where.
    if (!(error instanceof ImportError && error.code === "PROGRAM_FAILED")) throw error;
    found = error.message;
    cause = error;
  }
  throw corrupt(path, `the check of its ${format} tables found ${found}`, cause);
}

/** VirtualBox VDICore.h: offset of the blocks, their size, the size in front of each, and how many are in the file; little-endian. */
const VDI = { offsetData: 0x158, blockSize: 0x178, blockExtraSize: 0x17c, blocksAllocated: 0x184 } as const;
const VDI_HEADER_BYTES = 512;

async function checkVdiLength(path: string): Promise<void> {
  await using file = await open(path, "r");
  const header = Buffer.alloc(VDI_HEADER_BYTES);
  await file.read(header, 0, VDI_HEADER_BYTES, 0);
  const read = (at: number) => header.readUInt32LE(at);
  const wantedBytes =
    read(VDI.offsetData) + read(VDI.blocksAllocated) * (read(VDI.blockSize) + read(VDI.blockExtraSize));
  const { size: sizeBytes } = await file.stat();
  if (sizeBytes >= wantedBytes) return;
  throw corrupt(path, `its blocks need ${wantedBytes} bytes: current length is ${sizeBytes}`);
}

function corrupt(path: string, why: string, cause?: unknown): ImportError {
  return new ImportError("IMAGE_CORRUPT", `Cannot trust "${path}" as ${why}`, {
    cause,
    remedy:
      "Fetch the image again; if it is damaged where it came from, repair a copy with qemu-img check -r all",
  });
}
