import type { BigIntStats } from "node:fs";
import { rm, stat } from "node:fs/promises";
import type { Context } from "../pipeline/contract.ts";
import { withSignal } from "../pipeline/context.ts";
import { digestBlocks } from "../pipeline/digest-blocks.ts";
import type { DiskFormat } from "../pipeline/disk-format.ts";
import { ImportError } from "../pipeline/errors.ts";
import { stepping } from "../pipeline/progress.ts";
import { qemuImg } from "../programs/qemu-img.ts";
import type { ImageFile } from "../programs/qemu-node.ts";
import type { ImageCheck, ImageInfo } from "../programs/qemu-reports.ts";
import type { ConversionResult, QemuEncoding } from "./converter.ts";
import { decodedDisk } from "./decoded-disk.ts";
import { type ResultFile, resultFile } from "./result-file.ts";
import { CHECKABLE } from "./source-image.ts";

export interface VerifiedConversion {
  readonly from: ImageFile;
  readonly to: { readonly path: string; readonly format: DiskFormat };
  readonly encoding: QemuEncoding;
  /** Of the source. */
  readonly info: ImageInfo;
}

/**
 * Converts and proves the result. The source is hashed while qemu-img converts it; then the result is hashed and its
 * tables are checked, both at once. Nothing is left at `to.path` unless all of it went well.
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
    const [, sourceDigest] = await together(context, [
      (context) => convert({ from, to, encoding, virtualSizeBytes, result }, context),
      (context) => digestOf(from, "digest source", context),
    ]);
    const written: ImageFile = result.isDevice ? { ...to, sizeBytes: virtualSizeBytes } : to;
    const [resultDigest, check] = await together(context, [
      (context) => digestOf(written, "digest result", context),
      (context) => checkTables(written, context),
    ]);
    if (identity(await stat(from.path, { bigint: true })) !== identity(before)) throw changed(from.path);
    if (resultDigest !== sourceDigest) {
      throw new ImportError(
        "DIGEST_MISMATCH",
        `Cannot trust the conversion of "${from.path}" to ${to.format}: disk digest ${resultDigest} was found and ${sourceDigest} was wanted`,
        {
          step: "digest result",
          remedy: "Try again, and test this machine's memory and disk if it happens again",
        },
      );
    }
    const resultBytes = result.isDevice ? virtualSizeBytes : (await stat(to.path)).size;
    return {
      diskDigest: sourceDigest,
      virtualSizeBytes,
      paddingBytes,
      resultBytes,
      ...(check === undefined ? {} : { check }),
    };
  } catch (error) {
    if (!result.isDevice) await rm(to.path, { force: true });
    throw error;
  }
}

/** Two tasks at once; when one fails the other is aborted, and both have ended before the first failure is thrown. */
async function together<A, B>(
  context: Context,
  [first, second]: readonly [(context: Context) => Promise<A>, (context: Context) => Promise<B>],
): Promise<readonly [A, B]> {
  const sibling = new AbortController();
  const linked = withSignal(context, sibling.signal);
  const failures: unknown[] = [];
  const watched = async <T>(task: (context: Context) => Promise<T>): Promise<T> => {
    try {
      return await task(linked);
    } catch (error) {
      failures.push(error);
      sibling.abort(error);
      throw error;
    }
  };
  const [one, other] = await Promise.allSettled([watched(first), watched(second)]);
  if (one.status === "fulfilled" && other.status === "fulfilled") return [one.value, other.value];
  context.signal.throwIfAborted();
  throw failures[0];
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

function changed(path: string): ImportError {
  return new ImportError(
    "SOURCE_CHANGED",
    `Cannot trust the conversion of "${path}" as it changed meanwhile`,
    {
      remedy: "Stop what writes to it, or convert a snapshot",
    },
  );
}
