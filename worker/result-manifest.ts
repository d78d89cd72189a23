import {
  type ProgramVersion,
  RESULT_SCHEMA_VERSION,
  type ResultManifest,
  type StepDuration,
} from "../manifest/result.ts";
import type { Context, Destination, ProgressEvent, Receipt } from "../pipeline/contract.ts";
import { DIGEST_ALGORITHM, DIGEST_BLOCK_BYTES } from "../pipeline/disk-digest.ts";
import type { Plan } from "../pipeline/plan.ts";
import type { ResolvedSource } from "./resolve-source.ts";
import type { Target } from "./target.ts";

/** Keeps how long each step took, from the progress that it reports. */
export function durationRecorder(context: Context): {
  readonly context: Context;
  readonly durations: StepDuration[];
} {
  const durations: StepDuration[] = [];
  const startedAtMs = new Map<string, number>();
  const progress = (event: ProgressEvent): void => {
    context.progress(event);
    if (event.kind === "started") startedAtMs.set(event.step, performance.now());
    if (event.kind !== "finished") return;
    const elapsedMs = Math.round(performance.now() - (startedAtMs.get(event.step) ?? performance.now()));
    durations.push({ step: event.step, elapsedMs, ownMs: Math.round(event.ownMs) });
  };
  return { context: { ...context, progress }, durations };
}

/** What was done and proven, as the run knows it. */
export interface Proof {
  readonly source: ResolvedSource;
  readonly target: Target;
  readonly plan: Plan;
  readonly receipt: Receipt;
  readonly diskDigest: string;
  readonly virtualSizeBytes: number;
  readonly checks: ResultManifest["checks"];
  /** Outside programs that took part. */
  readonly programs: readonly ProgramVersion[];
  readonly durations: readonly StepDuration[];
  readonly scratchBytes: number;
  readonly tool: ProgramVersion;
}

export function resultManifest(proof: Proof): ResultManifest {
  const { source, plan, receipt } = proof;
  const { sizeBytes, identity } = source.facts;
  const tarDigest = source.bundle?.image.digest;
  return {
    schemaVersion: RESULT_SCHEMA_VERSION,
    tool: proof.tool,
    createdAt: new Date().toISOString(),
    source: {
      name: source.name,
      kind: source.layers[0] ?? source.location.kind,
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
      ...(identity === undefined ? {} : { identity }),
      digests:
        tarDigest === undefined
          ? []
          : [{ what: "tar stream of the bundle", algorithm: "sha1", value: tarDigest }],
    },
    plan: { route: plan.route, steps: plan.steps.map(({ step }) => step), scratchBytes: proof.scratchBytes },
    result: {
      name: receipt.name,
      format: proof.target.format.format,
      sizeBytes: receipt.sizeBytes,
      virtualSizeBytes: proof.virtualSizeBytes,
    },
    diskDigest: { algorithm: DIGEST_ALGORITHM, value: proof.diskDigest, blockSizeBytes: DIGEST_BLOCK_BYTES },
    checks: proof.checks,
    findings: [],
    programs: proof.programs,
    durations: proof.durations,
  };
}

/** Writes small content in one piece and commits it. */
export async function writeSmall(
  content: Uint8Array,
  destination: Destination,
  context: Context,
): Promise<Receipt> {
  await using draft = await destination.open(context, { sizeBytes: content.byteLength });
  await draft.write(once(content));
  return await draft.commit();
}

async function* once(content: Uint8Array): AsyncIterable<Uint8Array> {
  yield content;
}
