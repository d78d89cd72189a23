import { resolve } from "node:path";
import type { Context } from "../pipeline/contract.ts";
import { DISK_FORMATS, type DiskFormat } from "../pipeline/disk-format.ts";
import { type RunOptions, runProgram } from "./process.ts";
import type { ProgramSpec } from "./program-spec.ts";
import { type ImageFile, imageNode } from "./qemu-node.ts";
import { openError } from "./qemu-open-error.ts";
import { progressReader } from "./qemu-progress.ts";
import {
  type ImageCheck,
  type ImageInfo,
  type ImageMeasure,
  parseCheck,
  parseInfo,
  parseMeasure,
} from "./qemu-reports.ts";
import { QEMU_LIMITS } from "./qemu-limits.ts";
import type { ProgramLimits } from "./sandbox.ts";

export const QEMU_IMG = { program: "qemu-img", debianPackage: "qemu-utils" } as const;

/** Looking at headers is a matter of milliseconds, but the machine may be busy; what a hostile image burns is bounded by processor time. */
const LOOK_TIMEOUT_MS = 120_000;
/** Glance, Nova and Incus allow 2 to 30 s. */
const LOOK_CPU_SECONDS = 10;

/** Passing over the whole disk: this long, and longer by the time that a slow disk (4 MiB/s) takes for its size. */
const PASS_TIMEOUT_MS = 10 * 60_000;
const SLOWEST_BYTES_PER_MS = (4 * 1024 ** 2) / 1000;

export interface ConvertSpec {
  readonly from: ImageFile;
  readonly to: { readonly path: string; readonly format: DiskFormat };
  /** Creation options of the format's driver, as `-o` takes them; neither keys nor values hold commas. */
  readonly options?: Readonly<Record<string, string>>;
  readonly compress?: boolean;
  /** Writes clusters as they come instead of in order of the disk; not possible where the format compresses. */
  readonly outOfOrder?: boolean;
  /** The target exists, as a device does, and is written to as it is. */
  readonly toExisting?: boolean;
  /** The guest-visible size, for progress, wall clock and the limit on what is written. */
  readonly virtualSizeBytes: number;
}

/**
 * qemu-img with typed arguments and results. Formats are always explicit. Every call throws what {@link runProgram}
 * throws, and PROGRAM_FAILED for output that cannot be understood.
 */
export const qemuImg = {
  /** What the image says of itself. Throws IMAGE_CORRUPT and SOURCE_UNSUITABLE; see {@link openError}. */
  async info(image: ImageFile, context: Context): Promise<ImageInfo> {
    const args = ["info", "--output=json", imageNode(image)];
    const spec = {
      reads: [image.path],
      timeoutMs: LOOK_TIMEOUT_MS,
      limits: { cpuSeconds: LOOK_CPU_SECONDS },
    };
    const { status, stdout, stderrTail } = await run(args, spec, context, { goodStatuses: [0, 1] });
    if (status === 1) throw openError(image, stderrTail);
    return parseInfo(stdout);
  },

  /** The space a conversion would take; only for raw and qcow2, qemu's other drivers cannot tell. */
  async measure(
    image: ImageFile,
    to: { readonly format: "raw" | "qcow2"; readonly options?: Readonly<Record<string, string>> },
    context: Context,
  ): Promise<ImageMeasure> {
    const args = ["measure", "--output=json", "-O", to.format, ...creation(to.options), imageNode(image)];
    return parseMeasure(
      (await run(args, { reads: [image.path], timeoutMs: PASS_TIMEOUT_MS }, context)).stdout,
    );
  },

  /** Whether the image's own tables agree with each other; only for qcow2, vmdk, vhdx and vdi. */
  async check(image: ImageFile, context: Context): Promise<ImageCheck> {
    const args = ["check", "--output=json", imageNode(image)];
    // 2: corruptions were found, 3: leaks. Both come with a report.
    const options = { goodStatuses: [0, 2, 3] };
    return parseCheck(
      (await run(args, { reads: [image.path], timeoutMs: PASS_TIMEOUT_MS }, context, options)).stdout,
    );
  },

  /** Mends the tables of an image in place, and replays its log; what is wrong still shows in a check. */
  async repair(image: ImageFile, context: Context): Promise<void> {
    const args = ["check", "-r", "all", "--output=json", imageNode(image)];
    const spec = { reads: [image.path], writes: [image.path], timeoutMs: PASS_TIMEOUT_MS };
    await run(args, spec, context, { goodStatuses: [0, 2, 3] });
  },

  /** Copies the disk into another format; `onFraction` hears from 0 to 1 how far it is. What is half written stays. */
  async convert(spec: ConvertSpec, context: Context, onFraction?: (fraction: number) => void): Promise<void> {
    const { from, to, virtualSizeBytes } = spec;
    const timeoutMs = PASS_TIMEOUT_MS + virtualSizeBytes / SLOWEST_BYTES_PER_MS;
    // Incompressible data grows a little, tables come on top; a file that grows past that is no image of this disk.
    const fileSizeBytes = spec.toExisting === true ? undefined : virtualSizeBytes * 1.25 + 1024 ** 3;
    await run(
      ["convert", ...convertArgs(spec)],
      {
        reads: [from.path],
        writes: [to.path],
        timeoutMs,
        limits: fileSizeBytes === undefined ? {} : { fileSizeBytes },
      },
      context,
      { onOutput: progressReader(onFraction ?? (() => undefined)) },
    );
  },

  /**
   * Whether two images hold the same disk, byte for byte; a longer one is the same if the rest is zero. `onFraction`
   * hears from 0 to 1 how far it is.
   */
  async compare(
    first: ImageFile,
    second: ImageFile,
    context: Context,
    onFraction?: (fraction: number) => void,
  ): Promise<boolean> {
    const { status } = await run(
      ["compare", "-p", imageNode(first), imageNode(second)],
      { reads: [first.path, second.path], timeoutMs: PASS_TIMEOUT_MS },
      context,
      { goodStatuses: [0, 1], onOutput: progressReader(onFraction ?? (() => undefined)) },
    );
    return status === 0;
  },

  /** A new image without content. */
  async create(
    image: { readonly path: string; readonly format: DiskFormat; readonly virtualSizeBytes: number },
    options: Readonly<Record<string, string>>,
    context: Context,
  ): Promise<void> {
    const { driver } = DISK_FORMATS[image.format];
    const path = resolve(image.path);
    const args = ["create", "-q", "-f", driver, ...creation(options), path, String(image.virtualSizeBytes)];
    await run(args, { writes: [path], timeoutMs: PASS_TIMEOUT_MS }, context);
  },
};

/** The argument list of a conversion, without the subcommand; pure, so that tests can hold on to it. */
export function convertArgs(spec: ConvertSpec): string[] {
  const { from, to, options, compress = false, outOfOrder = false, toExisting = false } = spec;
  return [
    "-p",
    ...(outOfOrder ? ["-W"] : []),
    ...(compress ? ["-c"] : []),
    ...(toExisting ? ["-n"] : []),
    "-O",
    DISK_FORMATS[to.format].driver,
    ...creation(options),
    imageNode(from),
    resolve(to.path), // absolute, so that no part of it is taken for a protocol
  ];
}

function creation(options: Readonly<Record<string, string>> = {}): string[] {
  const list = Object.entries(options).map(([key, value]) => `${key}=${value}`);
  return list.length === 0 ? [] : ["-o", list.join(",")];
}

async function run(
  args: readonly string[],
  spec: Pick<ProgramSpec, "reads" | "writes" | "timeoutMs"> & { readonly limits?: ProgramLimits },
  context: Context,
  options: RunOptions = {},
) {
  const writes = spec.writes ?? [];
  const limits = { ...QEMU_LIMITS, ...(writes.length === 0 ? { fileSizeBytes: 0 } : {}), ...spec.limits };
  return await runProgram({ ...QEMU_IMG, ...spec, args, limits }, context, options);
}
