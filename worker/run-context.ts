import type { Context, Limits, Logger, ProgressEvent } from "../pipeline/contract.ts";
import { DEFAULT_LIMITS, silentLogger } from "../pipeline/context.ts";
import { type ScratchFolder, type ScratchOptions, scratchFolder } from "../pipeline/scratch.ts";
import { threadPool } from "../stages/threads/pool.ts";

export interface RunOptions {
  readonly signal: AbortSignal;
  /** Default: nobody listens. */
  readonly progress?: (event: ProgressEvent) => void;
  readonly log?: Logger;
  readonly scratch?: ScratchOptions;
  readonly limits?: Partial<Limits>;
  /** Worker threads. Default: one a core, as `threadPool` decides. */
  readonly threadCount?: number;
}

/** The context of one run, with the scratch folder as its owner sees it. */
export interface RunContext extends Context {
  readonly scratch: ScratchFolder;
}

/** Gives `work` a context of its own; threads have ended and scratch is gone when it returns, in every ending. */
export async function withRun<T>(options: RunOptions, work: (context: RunContext) => Promise<T>): Promise<T> {
  await using threads = threadPool(
    options.threadCount === undefined ? {} : { threadCount: options.threadCount },
  );
  await using scratch = scratchFolder(options.scratch);
  return await work({
    signal: options.signal,
    log: options.log ?? silentLogger,
    progress: options.progress ?? (() => undefined),
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    scratch,
    threads,
  });
}
