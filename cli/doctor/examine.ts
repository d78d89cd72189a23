import { ImportError } from "../../pipeline/errors.ts";
import type { RunContext } from "../../worker/run-context.ts";
import type { Check, Diagnosis, DoctorOptions } from "./check.ts";
import { clock, nodeVersion, objectStorage, scratchSpace, threads } from "./machine-checks.ts";
import { formats, programChecks } from "./program-checks.ts";
import { tables } from "./table-checks.ts";

export const CHECKS: readonly Check[] = [
  nodeVersion,
  threads,
  scratchSpace,
  ...programChecks,
  formats,
  objectStorage,
  clock,
  tables,
];

export interface NamedDiagnosis extends Diagnosis {
  readonly name: string;
}

/** Looks at everything, one after the other; only an abort ends it early. */
export async function examine(
  context: RunContext,
  options: DoctorOptions,
  checks: readonly Check[] = CHECKS,
): Promise<readonly NamedDiagnosis[]> {
  const found: NamedDiagnosis[] = [];
  for (const check of checks) {
    context.signal.throwIfAborted();
    found.push({ name: check.name, ...(await diagnosis(check, context, options)) });
  }
  return found;
}

async function diagnosis(check: Check, context: RunContext, options: DoctorOptions): Promise<Diagnosis> {
  try {
    return await check.look(context, options);
  } catch (error) {
    context.signal.throwIfAborted();
    const detail = error instanceof Error ? error.message : String(error);
    const remedy = error instanceof ImportError ? error.remedy : undefined;
    return { ok: false, detail, ...(remedy === undefined ? {} : { fix: remedy }) };
  }
}
