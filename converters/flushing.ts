import { open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Context } from "../pipeline/contract.ts";

/** Often enough that the disk never idles, seldom enough that a fast conversion is not held up by journal commits. */
const FLUSH_INTERVAL_MS = 200;

/**
 * Lets the disk take what a program writes to `path` while it writes. Without it Linux keeps up to 10% of memory dirty,
 * the disk idles meanwhile, and the fsync before the result may be seen then waits for all of it. Resolves with what
 * `work` gives, once nothing flushes any more; how durable the file is then is for others to see to.
 */
export async function flushing<T>(path: string, context: Context, work: () => Promise<T>): Promise<T> {
  const done = new AbortController();
  const background = flushUntil(path, AbortSignal.any([done.signal, context.signal]));
  try {
    return await work();
  } finally {
    done.abort();
    await background;
  }
}

async function flushUntil(path: string, done: AbortSignal): Promise<void> {
  await using file = await open(path, "r");
  while (!done.aborted) {
    await file.datasync();
    await delay(FLUSH_INTERVAL_MS, undefined, { signal: done }).catch(() => undefined); // woken by the end of the work
  }
}
