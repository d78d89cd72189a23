import type { KeyObject } from "node:crypto";
import type { ConversionResult as Converted, Converter } from "../converters/converter.ts";
import { converterFor } from "../converters/index.ts";
import {
  formatResultManifest,
  type ProgramVersion,
  type ResultCheck,
  type ResultManifest,
} from "../manifest/result.ts";
import { SIGNATURE_SUFFIX, signResultManifest } from "../manifest/result-signature.ts";
import type { Context, Destination, Receipt, Stage } from "../pipeline/contract.ts";
import { defined } from "../pipeline/defined.ts";
import { type Plan, plan } from "../pipeline/plan.ts";
import { copyFile, runStream, type StreamResult } from "../pipeline/run.ts";
import { programVersion } from "../programs/program-version.ts";
import { QEMU_IMG } from "../programs/qemu-img.ts";
import { QEMU_NBD } from "../programs/qemu-nbd.ts";
import { sequential } from "../stages/blocks/sequential.ts";
import { fileSource } from "../stages/sources/file.ts";
import { limit } from "../stages/transforms/limit.ts";
import { plainDisk } from "../validators/container/plain-disk.ts";
import { refuseUnsafeFile } from "./inspect-file.ts";
import { openDisk } from "./open-disk.ts";
import type { ResolvedSource } from "./resolve-source.ts";
import { durationRecorder, resultManifest, writeSmall } from "./result-manifest.ts";
import type { RunContext } from "./run-context.ts";
import { localImage } from "./spool.ts";
import { RESULT_MANIFEST_SUFFIX, type Target } from "./target.ts";

/** A source and a target with the plan that leads from one to the other. */
export interface PlannedConversion {
  readonly source: ResolvedSource;
  readonly target: Target;
  readonly plan: Plan;
}

/** Chooses the route for facts that were found out; throws PLAN_IMPOSSIBLE, PROGRAM_MISSING. */
export async function planConversion(
  source: ResolvedSource,
  target: Target,
  context: Context,
): Promise<PlannedConversion> {
  const { format } = target;
  const size = defined({ virtualSizeBytes: source.virtualSizeBytes });
  const converter: Converter = converterTo(target);
  const acceptance = await converter.accepts({ from: source.format, to: format, ...size }, context);
  const refusal = acceptance.isAccepted ? undefined : acceptance;
  const bound =
    source.virtualSizeBytes === undefined ? undefined : converter.worstCaseBytes(source.virtualSizeBytes);
  const toPlan = {
    name: target.name,
    kind: target.kind,
    format: format.format,
    ...defined({ encodedBytes: bound }),
  };
  return { source, target, plan: plan(source, toPlan, refusal) };
}

/** The destination of the result manifest (no suffix), or of its signature. */
export type ManifestPlace = (suffix: string) => Destination;

export interface ConversionOptions {
  /** What the result manifest says made the result. */
  readonly tool: ProgramVersion;
  /** Signs the result manifest; see `manifest/result-signature.ts`. */
  readonly signingKey?: KeyObject;
  /** Where the result manifest goes instead of beside the result. */
  readonly manifestTo?: ManifestPlace;
}

/** What came of a conversion. */
export interface ConversionOutcome {
  readonly receipt: Receipt;
  readonly manifest: ResultManifest;
  /** Where the result manifest is; absent when the target has no place for it and none was named. */
  readonly manifestName?: string;
}

/**
 * Carries a plan out. The result becomes visible once all of it is proven, its manifest right after it. Throws what the
 * source, the stages, the converter and the destination throw; then nothing is visible and nothing is left behind.
 */
export async function runConversion(
  conversion: PlannedConversion,
  options: ConversionOptions,
  context: RunContext,
): Promise<ConversionOutcome> {
  const { context: recorded, durations } = durationRecorder(context);
  const done = await carryOut(conversion, recorded);
  const manifest = resultManifest({
    ...conversion,
    ...done,
    tool: options.tool,
    programs: await programsOf(conversion.plan, context),
    durations,
    scratchBytes: context.scratch.peakBytes,
  });
  const place = options.manifestTo ?? beside(conversion.target);
  if (place === undefined) return { receipt: done.receipt, manifest };
  const text = formatResultManifest(manifest);
  const { name } = await writeSmall(text, place(""), context);
  if (options.signingKey !== undefined) {
    await writeSmall(signResultManifest(text, options.signingKey), place(SIGNATURE_SUFFIX), context);
  }
  return { receipt: done.receipt, manifest, manifestName: name };
}

function beside({ beside }: Target): ManifestPlace | undefined {
  return beside && ((suffix) => beside(RESULT_MANIFEST_SUFFIX + suffix));
}

/** A result with what is proven about it. */
interface Done {
  readonly receipt: Receipt;
  readonly diskDigest: string;
  readonly virtualSizeBytes: number;
  readonly checks: readonly ResultCheck[];
}

async function carryOut({ source, target, plan }: PlannedConversion, context: Context): Promise<Done> {
  const { name, allowsNested } = source;
  const plain = bounded(plainDisk({ name, allowsNested }), name, context);
  if (plan.method === "copy") {
    const sizes = defined({ sizeBytes: source.virtualSizeBytes, sourceBytes: source.sizeBytes });
    return streamed(
      source,
      await runStream(source.source, [...source.stages, plain], target.destination, context, sizes),
    );
  }
  if (plan.method === "convert" && !plan.spoolsResult) return await convertInPlace(source, target, context);
  await admit(target, defined({ sizeBytes: source.virtualSizeBytes }), context);
  await using image = await localImage(source, context);
  const from = { path: image.path, format: source.format };
  if (plan.method === "decode") {
    await using disk = await openDisk(from, context);
    const expected = { sizeBytes: disk.sizeBytes };
    return streamed(
      source,
      await runStream(sequential(disk), [plain], target.destination, context, expected),
    );
  }
  const converter: Converter = converterTo(target);
  const request = { from, to: { path: image.path, ...target.format } };
  await using file = await context.scratch.reserve(
    "result",
    await converter.requiredScratchBytes(request, context),
  );
  const made = await converter.convert({ from, to: { path: file.path, ...target.format } }, context);
  await refuseUnsafeFile({ path: file.path, format: target.format.format }, { name, allowsNested }, context);
  await image[Symbol.asyncDispose](); // not needed any more, and scratch is scarce
  return converted(source, made, await copyFile(fileSource(file.path), target.destination, context));
}

/** The same stage for a disk that is no larger than allowed, also where nobody knew its size beforehand. */
function bounded(stage: Stage, name: string, { limits }: Context): Stage {
  const bound = limit(limits.maxImageBytes, name);
  return {
    name: stage.name,
    transform: (input, context) => stage.transform(bound.transform(input, context), context),
  };
}

/** Lets the converter write the draft itself; it is opened first, so that a bad destination is told before the work. */
async function convertInPlace(source: ResolvedSource, target: Target, context: Context): Promise<Done> {
  await using draft = await target.destination.open(context, {});
  if (draft.path === undefined) throw new TypeError(`"${target.name}" cannot be written at random`);
  await using image = await localImage(source, context);
  const request = {
    from: { path: image.path, format: source.format },
    to: { path: draft.path, ...target.format },
  };
  const made = await converterTo(target).convert(request, context);
  const { name, allowsNested } = source;
  const result = { path: draft.path, format: target.format.format, sizeBytes: made.resultBytes };
  await refuseUnsafeFile(result, { name, allowsNested }, context);
  return converted(source, made, await draft.commit());
}

/** Opens and discards a draft, so that a destination that refuses does so before anything is fetched. */
async function admit(
  { destination }: Target,
  expected: { readonly sizeBytes?: number },
  context: Context,
): Promise<void> {
  await using _draft = await destination.open(context, expected);
}

/** The converter of a target, which takes the options of that target's format. */
function converterTo({ format }: Target): Converter {
  return converterFor(format.format);
}

function streamed(source: ResolvedSource, { receipt, diskDigest, sizeBytes }: StreamResult): Done {
  return { receipt, diskDigest, virtualSizeBytes: sizeBytes, checks: sourceChecks(source) };
}

function converted(source: ResolvedSource, made: Converted, receipt: Receipt): Done {
  const { diskDigest, virtualSizeBytes, check } = made;
  return {
    receipt,
    diskDigest,
    virtualSizeBytes,
    checks: [
      ...sourceChecks(source),
      { name: "result equals source", outcome: "passed", detail: "byte for byte" },
      check === undefined
        ? { name: "structure", outcome: "skipped", detail: "the format has no tables to check" }
        : { name: "structure", outcome: "passed", detail: "qemu-img check" },
    ],
  };
}

async function programsOf({ method }: Plan, context: Context): Promise<readonly ProgramVersion[]> {
  if (method === "copy") return [];
  const used = method === "convert" ? QEMU_IMG : QEMU_NBD;
  return [{ name: used.program, version: await programVersion(used, context) }];
}

/** What the stages of a bundle have verified when they let the last byte pass. */
function sourceChecks({ bundle }: ResolvedSource): readonly ResultCheck[] {
  if (bundle === undefined) return [];
  const partCount = bundle.image.parts.filter(({ sha1 }) => sha1 !== undefined).length;
  return [
    { name: "bundle part digests", outcome: "passed", detail: `SHA-1 of ${partCount} parts` },
    bundle.image.digest === undefined
      ? { name: "bundle tar digest", outcome: "skipped", detail: "the manifest states none" }
      : { name: "bundle tar digest", outcome: "passed", detail: "SHA-1 of the tar stream" },
    { name: "bundle image size", outcome: "passed", detail: `${bundle.image.sizeBytes} bytes` },
  ];
}
