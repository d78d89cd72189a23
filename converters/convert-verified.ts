import type { BigIntStats } from "node:fs";
import { rm, stat } from "node:fs/promises";
import type { Context } from "../pipeline/contract.ts";
import { withSignal } from "../pipeline/context.ts";
import { digestBlocks } from "../pipeline/digest-blocks.ts";
import { CHECKABLE, type DiskFormat } from "../pipeline/disk-format.ts";
import { type ErrorCode, ImportError, systemCode } from "../pipeline/errors.ts";
import { stepping } from "../pipeline/progress.ts";
import { qemuImg } from "../programs/qemu-img.ts";
import type { ImageFile } from "../programs/qemu-node.ts";
import type { ImageCheck, ImageInfo } from "../programs/qemu-reports.ts";
import type { ConversionResult, QemuEncoding } from "./converter.ts";
import { decodedDisk } from "./decoded-disk.ts";
import { flushing } from "./flushing.ts";
import { type ResultFile, resultFile } from "./result-file.ts";

export interface VerifiedConversion {
  readonly from: ImageFile;
  readonly to: { readonly path: string; readonly format: DiskFormat };
  readonly encoding: QemuEncoding;
  /** Of the source. */
  readonly info: ImageInfo;
}

/**
 * Converts and proves the result. The source is hashed while qemu-img converts it; then the result is compared with it
 * byte for byte and its tables are checked, both at once, while the disk takes what was written: the digest of one is
 * the digest of both. Nothing is left at `to.path` unless all of it went well.
 */
export async function convertVerified(
  { from, to, encoding, info }: VerifiedConversion,
  context: Context,
): Promise<ConversionResult> {
  const { virtualSizeBytes } = info;
  const before = await stat(from.path, { bigint: true });
  const paddingBytes = from.format === "raw" ? padding(from, before, virtualSizeBytes) : 0;
  if (paddingBytes > 0) {
    const text = `"${from.path}" does not end with a whole sector: ${paddingBytes} zero bytes are added`;
    context.progress({ kind: "note", step: "convert", text });
  }
  const result = await resultFile(to.path);
  try {
    const written: ImageFile = result.isDevice ? { ...to, sizeBytes: virtualSizeBytes } : to;
    // Of two disks that are the same the one that needs no decoding is hashed; beside the conversion, if it can be.
    const hashesSource = from.format === "raw" || to.format !== "raw";
    const [, sourceDigest] = await together(context, [
      (context) => convert({ from, to, encoding, virtualSizeBytes, result }, context),
      async (context) => (hashesSource ? await digestOf(from, "digest source", context) : undefined),
    ]);
    const [, check, resultDigest] = await flushing(to.path, context, () =>
      together(context, [
        (context) => compareDisks(from, written, virtualSizeBytes, context),
        (context) => checkTables(written, context),
        async (context) => (hashesSource ? undefined : await digestOf(written, "digest result", context)),
      ]),
    );
    if (await hasChanged(from.path, before)) throw changed(from.path);
    const diskDigest = sourceDigest ?? resultDigest;
    if (diskDigest === undefined) throw new TypeError("One of the two disks is always hashed");
    const resultBytes = result.isDevice ? virtualSizeBytes : (await stat(to.path)).size;
    return {
      diskDigest,
      virtualSizeBytes,
      paddingBytes,
      resultBytes,
      ...(check === undefined ? {} : { check }),
    };
  } catch (error) {
    if (!result.isDevice) await rm(to.path, { force: true });
    context.signal.throwIfAborted();
    if (isSignOfChange(error) && (await hasChanged(from.path, before))) throw changed(from.path, error);
    throw error;
  }
}

/** What goes wrong when a source is cut, rewritten or taken away under the hands of qemu. */
const SIGNS_OF_CHANGE: readonly ErrorCode[] = [
  "DIGEST_MISMATCH",
  "IMAGE_CORRUPT",
  "PROGRAM_FAILED",
  "SOURCE_NOT_FOUND",
  "SOURCE_TRUNCATED",
  "SOURCE_UNSUITABLE",
];

function isSignOfChange(error: unknown): boolean {
  return error instanceof ImportError && SIGNS_OF_CHANGE.includes(error.code);
}

/** Tasks side by side; when one fails the others are aborted, and all have ended before the first failure is thrown. */
async function together<T extends readonly unknown[]>(
  context: Context,
  tasks: { readonly [K in keyof T]: (context: Context) => Promise<T[K]> },
): Promise<T> {
  const siblings = new AbortController();
  const linked = withSignal(context, siblings.signal);
  const failures: unknown[] = [];
  const running = tasks.map(async (task) => {
    try {
      return await task(linked);
    } catch (error) {
      failures.push(error);
      siblings.abort(error);
      throw error;
    }
  });
  await Promise.allSettled(running);
  if (failures.length > 0) {
    context.signal.throwIfAborted();
    throw failures[0];
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- map() forgets that it keeps the places of a tuple
  return (await Promise.all(running)) as unknown as T;
}

async function convert(
  options: Omit<VerifiedConversion, "info"> & {
    readonly virtualSizeBytes: number;
    readonly result: ResultFile;
  },
  context: Context,
): Promise<void> {
  const { from, to, encoding, virtualSizeBytes, result } = options;
  await stepping("convert", context, virtualSizeBytes, (moved) =>
    qemuImg.convert(
      { from, to, ...encoding, virtualSizeBytes, toExisting: result.isDevice },
      context,
      (fraction) => moved(Math.round(fraction * virtualSizeBytes)),
    ),
  );
}

async function digestOf(image: ImageFile, step: string, context: Context): Promise<string> {
  await using disk = await decodedDisk(image, context);
  return (await digestBlocks(disk, context, { step })).digest;
}

/** Byte for byte, which is more than equal digests say, and takes a tenth of the time that hashing both takes. */
async function compareDisks(
  from: ImageFile,
  written: ImageFile,
  virtualSizeBytes: number,
  context: Context,
): Promise<void> {
  const same = await stepping("compare", context, virtualSizeBytes, async (moved) => {
    const info = await qemuImg.info(written, context);
    if (info.virtualSizeBytes !== virtualSizeBytes) return false;
    return await qemuImg.compare(from, written, context, (fraction) =>
      moved(Math.round(fraction * virtualSizeBytes)),
    );
  });
  if (same) return;
  throw new ImportError(
    "DIGEST_MISMATCH",
    `Cannot trust the conversion of "${from.path}" to ${written.format}: the result holds another disk than the source`,
    { step: "compare", remedy: "Try again, and test this machine's memory and disk if it happens again" },
  );
}

async function checkTables(image: ImageFile, context: Context): Promise<ImageCheck | undefined> {
  if (!CHECKABLE.includes(image.format)) return undefined;
  const check = await stepping("check", context, undefined, () => qemuImg.check(image, context));
  if (check.corruptionCount === 0 && check.errorCount === 0) return check;
  throw new ImportError(
    "IMAGE_CORRUPT",
    `Cannot trust the ${image.format} that was written as it has ${check.corruptionCount} corruptions and ${check.errorCount} errors: none are wanted`,
    { step: "check", remedy: "Try again, and test this machine's memory and disk if it happens again" },
  );
}

function padding(from: ImageFile, stats: BigIntStats, virtualSizeBytes: number): number {
  return stats.isFile() && from.sizeBytes === undefined ? virtualSizeBytes - Number(stats.size) : 0;
}

function identity({ dev, ino, size, mtimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs].join(":");
}

async function hasChanged(path: string, before: BigIntStats): Promise<boolean> {
  try {
    return identity(await stat(path, { bigint: true })) !== identity(before);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return true;
    throw error;
  }
}

function changed(path: string, cause?: unknown): ImportError {
  return new ImportError(
    "SOURCE_CHANGED",
    `Cannot trust the conversion of "${path}" as it changed meanwhile`,
    { remedy: "Stop what writes to it, or convert a snapshot", cause },
  );
}
