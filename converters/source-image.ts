import { open } from "node:fs/promises";
import type { Context } from "../pipeline/contract.ts";
import { ImportError } from "../pipeline/errors.ts";
import { formatBytes } from "../pipeline/units.ts";
import { qemuImg } from "../programs/qemu-img.ts";
import type { ImageFile } from "../programs/qemu-node.ts";
import type { ImageInfo } from "../programs/qemu-reports.ts";
import { readError } from "../stages/blocks/file.ts";

/** VMDKs that are one file; all others name files beside them, on any path (CVE-2022-47951). */
const SELF_CONTAINED_VMDK: readonly string[] = ["monolithicSparse", "streamOptimized"];

/**
 * What qemu says of a local image that is to be opened, once it is clear that it may be: it exists, is of the declared
 * format, lies within the limits and refers to nothing outside itself. Nothing is written. Throws SOURCE_NOT_FOUND,
 * SOURCE_FORBIDDEN, SOURCE_UNSUITABLE, IMAGE_CORRUPT, IMAGE_UNSAFE, SIZE_EXCEEDED, PROGRAM_MISSING, PROGRAM_FAILED.
 */
export async function openableImage(image: ImageFile, context: Context): Promise<ImageInfo> {
  await checkReadable(image.path);
  const info = await qemuImg.info(image, context);
  checkSelfContained(image, info);
  const { maxImageBytes } = context.limits;
  if (info.virtualSizeBytes > maxImageBytes) {
    throw new ImportError(
      "SIZE_EXCEEDED",
      `Cannot accept "${image.path}" as its disk has ${formatBytes(info.virtualSizeBytes)}: at most ${formatBytes(maxImageBytes)} are allowed`,
      { remedy: "Raise the limit with --max-size, or look into the image with qemu-img info" },
    );
  }
  return info;
}

async function checkReadable(path: string): Promise<void> {
  try {
    const file = await open(path, "r");
    await file.close();
  } catch (error) {
    throw readError(error, path);
  }
}

function checkSelfContained({ path, format }: ImageFile, info: ImageInfo): void {
  const refuse = (why: string, remedy: string): never => {
    throw new ImportError("IMAGE_UNSAFE", `Cannot accept "${path}" as ${why}`, { remedy });
  };
  if (info.backingFile !== undefined) {
    refuse(
      "it is an overlay whose other half is in a backing file",
      "Flatten it where it was made: qemu-img convert",
    );
  }
  if (info.dataFile !== undefined) {
    refuse("its data is in another file", "Join the two where it was made: qemu-img convert");
  }
  if (format === "vmdk" && !SELF_CONTAINED_VMDK.includes(info.createType ?? "")) {
    refuse(
      `it is a VMDK of type "${info.createType ?? "unknown"}": one of ${SELF_CONTAINED_VMDK.join(", ")} is wanted`,
      "Export it as a stream-optimized VMDK",
    );
  }
  if (info.isEncrypted) refuse("its content is encrypted", "Decrypt it where it was made: qemu-img convert");
}
