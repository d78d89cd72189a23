import type { Context, ScratchFile, Source } from "../pipeline/contract.ts";
import { defined } from "../pipeline/defined.ts";
import { runStream } from "../pipeline/run.ts";
import { qemuImg } from "../programs/qemu-img.ts";
import { scratchDestination } from "../stages/destinations/scratch.ts";
import { limit } from "../stages/transforms/limit.ts";
import { refuseUnsafeFile } from "./inspect-file.ts";
import type { ResolvedSource } from "./resolve-source.ts";

/** A disk image without its layers in a local file. Disposing removes it, if it is in scratch. */
export interface LocalImage extends AsyncDisposable {
  readonly path: string;
  readonly sizeBytes: number;
  /** Known without reading again where the image is raw and was spooled. */
  readonly diskDigest?: string;
}

/** Whether an outside program can open the image where it is. */
export function isOpenable(source: ResolvedSource): boolean {
  return source.isLocalFile && source.stages.length === 0;
}

/** The image as a file that an outside program can open: where it is, or else fetched and unwrapped into scratch. */
export async function localImage(source: ResolvedSource, context: Context): Promise<LocalImage> {
  const { localPath, sizeBytes } = source.facts;
  if (isOpenable(source) && localPath !== undefined && sizeBytes !== undefined) {
    return { path: localPath, sizeBytes, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const file = await context.scratch.reserve("image", source.imageBytes ?? 0);
  try {
    return await spool(source, file, context);
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

async function spool(source: ResolvedSource, file: ScratchFile, context: Context): Promise<LocalImage> {
  const expected = defined({ sizeBytes: source.imageBytes, sourceBytes: source.sizeBytes });
  const { stages } = source;
  const result = await runStream(
    bounded(source, context),
    stages,
    scratchDestination(file),
    context,
    expected,
  );
  // Of an image in layers only the beginning was looked at before.
  const { name, format, allowsNested, needsRepair } = source;
  const image = { path: file.path, format };
  if (needsRepair) {
    await refuseUnsafeFile(image, { name, isToBeMended: true }, context);
    await qemuImg.repair(image, context);
  }
  await refuseUnsafeFile(image, { name, allowsNested }, context);
  return {
    path: file.path,
    sizeBytes: result.sizeBytes,
    ...(format === "raw" ? { diskDigest: result.diskDigest } : {}),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}

/** What an image has beside its data: at most 10 bytes of tables a cluster of 512 (qcow2), and what surrounds them. */
function containerBytes(diskBytes: number): number {
  return Math.ceil(diskBytes / 32) + 64 * 1024 * 1024;
}

/** Layers have bounds of their own; what comes as it is from a pipe or a server might go on for ever. */
function bounded({ source, stages, name, format }: ResolvedSource, { limits }: Context): Source {
  if (stages.length > 0) return source;
  const { maxImageBytes } = limits;
  const bound = limit(maxImageBytes + (format === "raw" ? 0 : containerBytes(maxImageBytes)), name);
  return {
    name: source.name,
    facts: (context) => source.facts(context),
    bytes: (context, fromByte) => bound.transform(source.bytes(context, fromByte), context),
  };
}
