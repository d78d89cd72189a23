import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable, type Writable } from "node:stream";
import type { ProgressEvent } from "../../pipeline/contract.ts";
import type { ScratchOptions } from "../../pipeline/scratch.ts";
import { s3Access } from "../../stages/s3-access.ts";
import type { Access } from "../../worker/access.ts";
import { type ConversionOptions, planConversion, runConversion } from "../../worker/conversion.ts";
import { parseLocation } from "../../worker/location.ts";
import { resolveSource, type SourceOptions } from "../../worker/resolve-source.ts";
import { withRun } from "../../worker/run-context.ts";
import { resolveTarget, type TargetOptions } from "../../worker/target.ts";

/** A folder of this test's own; disposing removes it. */
export async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "diskferry-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export interface ConvertSettings {
  readonly source?: SourceOptions;
  readonly target?: TargetOptions;
  readonly access?: Partial<Access>;
  readonly scratch?: ScratchOptions;
  readonly signal?: AbortSignal;
  readonly progress?: (event: ProgressEvent) => void;
  readonly options?: Partial<ConversionOptions>;
}

/** Access to local files, with a pipe that is empty and one that nobody reads unless they are given. */
export function localAccess(overrides: Partial<Access> = {}): Access {
  const output: Writable = new PassThrough().resume();
  return { s3: s3Access(), input: Readable.from([]), output, ...overrides };
}

/** The whole job from two locations, as the CLI runs it. */
export async function convert(from: string, to: string, settings: ConvertSettings = {}) {
  const { signal = new AbortController().signal, scratch, progress, options } = settings;
  const access = localAccess(settings.access);
  const run = {
    signal,
    ...(scratch === undefined ? {} : { scratch }),
    ...(progress === undefined ? {} : { progress }),
  };
  return await withRun(run, async (context) => {
    await using source = await resolveSource(parseLocation(from), settings.source ?? {}, access, context);
    const target = await resolveTarget(parseLocation(to), settings.target ?? {}, access);
    const planned = await planConversion(source, target, context);
    const tool = { name: "diskferry", version: "test" };
    const outcome = await runConversion(planned, { tool, ...options }, context);
    return { ...outcome, plan: planned.plan };
  });
}
