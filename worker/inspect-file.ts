import type { Context } from "../pipeline/contract.ts";
import type { ImageFile } from "../programs/qemu-node.ts";
import { fileBlocks } from "../stages/blocks/file.ts";
import { blocksView } from "../validators/container/image-view.ts";
import { inspectContainer, isMendable, refuseUnsafe } from "../validators/container/inspect-container.ts";

export interface FileInspectionOptions {
  /** For messages, where it is not the path. */
  readonly name?: string;
  /** Whether a raw disk may start like an image of another format. Default false. */
  readonly allowsNested?: boolean;
  /** Accepts damage that is going to be mended next. Default false. */
  readonly isToBeMended?: boolean;
}

/**
 * Refuses a local image that is not of its declared format or breaks a rule of safety, before any outside program opens
 * it. Throws the code of the first broken rule, and what `fileBlocks` throws.
 */
export async function refuseUnsafeFile(
  { path, format, sizeBytes }: ImageFile,
  options: FileInspectionOptions,
  context: Context,
): Promise<void> {
  const { name = path, allowsNested = false, isToBeMended = false } = options;
  await using blocks = await fileBlocks(path, context);
  // Behind a disk on a larger device stands whatever was there before.
  const ending =
    sizeBytes === undefined ? blocks : { ...blocks, sizeBytes: Math.min(blocks.sizeBytes, sizeBytes) };
  const report = await inspectContainer(await blocksView(ending, context), {
    limits: context.limits,
    declared: format,
    allowsNested,
  });
  if (!(isToBeMended && isMendable(report))) refuseUnsafe(name, report);
}
