import type { Context, ProgressEvent, Threads } from "../../pipeline/contract.ts";
import { DEFAULT_LIMITS, silentLogger } from "../../pipeline/context.ts";
import { scratchFolder } from "../../pipeline/scratch.ts";

/** A context for tests, with every event kept; `threads` must be given where the code under test uses them. */
export function testContext(
  overrides: Partial<Context> = {},
): Context & { readonly events: ProgressEvent[] } {
  const events: ProgressEvent[] = [];
  return {
    events,
    signal: new AbortController().signal,
    log: silentLogger,
    scratch: scratchFolder(),
    threads: noThreads,
    limits: DEFAULT_LIMITS,
    progress: (event) => void events.push(event),
    ...overrides,
  };
}

const noThreads: Threads = {
  count: 1,
  hasSpare: false,
  run(task) {
    throw new TypeError(`This test gave no threads for "${task}"`);
  },
};
