import { CHECKABLE, type DiskFormat } from "./disk-format.ts";
import { ImportError } from "./errors.ts";

/** How the bytes get from the source to the destination; see `docs/architecture.md`. */
export type Route = "stream" | "ranged" | "spool";

/** What the planner needs to know of a source. */
export interface SourceToPlan {
  /** For people. */
  readonly name: string;
  /** What the disk image is wrapped in, outermost first: `["bundle", "gzip", "tar"]`. */
  readonly layers: readonly string[];
  readonly format: DiskFormat;
  /** Of the outermost bytes, where known. */
  readonly sizeBytes?: number;
  /** Of the image without its layers, where known: what a spool of it takes. */
  readonly imageBytes?: number;
  /** Guest-visible, where known. */
  readonly virtualSizeBytes?: number;
  /** Whether an outside program can open the outermost bytes as they are. */
  readonly isLocalFile: boolean;
}

/** What the planner needs to know of the result that is asked for. */
export interface TargetToPlan {
  readonly name: string;
  readonly kind: "file" | "device" | "pipe" | "object" | "bundle";
  readonly format: DiskFormat;
  /** Upper bound of the encoded size, where known; what scratch for it takes. */
  readonly encodedBytes?: number;
}

/** One step of a plan: what it is called, also in progress and result manifests, and what it does. */
export interface PlanStep {
  readonly step:
    | "spool"
    | "read"
    | "decode"
    | "convert"
    | "check"
    | "digest source"
    | "digest result"
    | "compare"
    | "digest"
    | "write";
  readonly does: string;
  readonly bytes?: number;
}

/** Everything that will happen, before it happens. */
export interface Plan {
  readonly route: Route;
  /** The image is first stored in scratch, without its layers. */
  readonly spoolsSource: boolean;
  /** How the image becomes the result: its bytes as they are, decoded to raw as they flow, or converted by qemu-img. */
  readonly method: "copy" | "decode" | "convert";
  /** The result is first made in scratch because the destination cannot be written at random. */
  readonly spoolsResult: boolean;
  /** Most scratch needed at one time, or undefined where only reading tells. */
  readonly scratchBytes: number | undefined;
  readonly steps: readonly PlanStep[];
}

/** Why the target's converter cannot be used. */
export interface Refusal {
  readonly code: "PROGRAM_MISSING" | "PLAN_IMPOSSIBLE";
  readonly reason: string;
  readonly remedy: string;
}

/**
 * Chooses the route. Pure: the same facts give the same plan, and nothing is opened. Throws PLAN_IMPOSSIBLE, and what
 * the converter's refusal says where only a conversion would do.
 */
export function plan(source: SourceToPlan, target: TargetToPlan, refusal?: Refusal): Plan {
  const wrapped = source.layers.length > 0 || !source.isLocalFile;
  const method = chooseMethod(source, target, wrapped, refusal !== undefined);
  if ((target.kind === "device" || target.kind === "bundle") && target.format !== "raw") {
    throw new ImportError(
      "PLAN_IMPOSSIBLE",
      `Cannot write ${target.format} to "${target.name}" as a ${target.kind} holds a raw disk`,
      { remedy: "Use --to raw, or a file or object as destination" },
    );
  }
  if (method !== "copy" && refusal !== undefined) {
    const { code, reason, remedy } = refusal;
    throw new ImportError(
      code,
      `Cannot convert "${source.name}" from ${source.format} to ${target.format}: ${reason}`,
      { remedy },
    );
  }
  const spoolsSource = method !== "copy" && wrapped;
  const spoolsResult = method === "convert" && target.kind !== "file";
  const route: Route = method === "copy" ? "stream" : spoolsSource || spoolsResult ? "spool" : "ranged";
  return {
    route,
    spoolsSource,
    method,
    spoolsResult,
    scratchBytes: sum(spoolsSource ? spoolBytes(source) : 0, spoolsResult ? target.encodedBytes : 0),
    steps: describe(source, target, { method, spoolsSource, spoolsResult }),
  };
}

/** A raw disk that must be unwrapped or fetched anyway is written as it comes; a file of its own is left to qemu-img. */
function chooseMethod(
  source: SourceToPlan,
  target: TargetToPlan,
  wrapped: boolean,
  isRefused: boolean,
): Plan["method"] {
  const rawToRaw = source.format === "raw" && target.format === "raw";
  if (rawToRaw && (wrapped || target.kind !== "file" || isRefused)) return "copy";
  return target.format === "raw" && target.kind !== "file" ? "decode" : "convert";
}

function spoolBytes(source: SourceToPlan): number | undefined {
  if (source.imageBytes !== undefined) return source.imageBytes;
  if (source.format === "raw" && source.virtualSizeBytes !== undefined) return source.virtualSizeBytes;
  return source.layers.length === 0 ? source.sizeBytes : undefined;
}

function describe(
  source: SourceToPlan,
  target: TargetToPlan,
  { method, spoolsSource, spoolsResult }: Pick<Plan, "method" | "spoolsSource" | "spoolsResult">,
): PlanStep[] {
  const unwrap = source.layers.length === 0 ? "" : ` through ${source.layers.join(", ")}`;
  const encoded = target.encodedBytes;
  const steps: PlanStep[] = [];
  if (spoolsSource) {
    steps.push(step("spool", `fetch "${source.name}"${unwrap} into scratch`, spoolBytes(source)));
  } else if (method !== "convert") {
    steps.push(step("read", `read "${source.name}"${unwrap}`, source.sizeBytes));
  }
  if (method === "decode")
    steps.push(step("decode", `decode ${source.format} as it is read`, source.virtualSizeBytes));
  if (method === "convert") {
    const where = spoolsResult ? "scratch" : `"${target.name}"`;
    steps.push(
      step("convert", `convert ${source.format} to ${target.format} in ${where} with qemu-img`, encoded),
    );
    const disk = source.virtualSizeBytes;
    const hashesSource = source.format === "raw" || target.format !== "raw";
    if (hashesSource)
      steps.push(step("digest source", "compute the disk digest of the source meanwhile", disk));
    if (CHECKABLE.includes(target.format))
      steps.push(step("check", `check the tables of the ${target.format} result`));
    steps.push(step("compare", "compare the result with the source, byte for byte", disk));
    if (!hashesSource)
      steps.push(step("digest result", "compute the disk digest of the result meanwhile", disk));
  } else {
    steps.push(step("digest", "compute the disk digest as the bytes flow", source.virtualSizeBytes));
  }
  if (method !== "convert" || spoolsResult) {
    steps.push(
      step("write", `write "${target.name}"`, method === "convert" ? encoded : source.virtualSizeBytes),
    );
  }
  return steps;
}

function step(name: PlanStep["step"], does: string, bytes?: number): PlanStep {
  return bytes === undefined ? { step: name, does } : { step: name, does, bytes };
}

function sum(first: number | undefined, second: number | undefined): number | undefined {
  return first === undefined || second === undefined ? undefined : first + second;
}
