import type { Bytes, Context } from "./contract.ts";

/** How often a step reports at most; terminals and logs need no more. */
const REPORT_INTERVAL_MS = 100;

/** How long the steps above a given one have kept it waiting, in milliseconds. */
interface Meter {
  /** Time spent in `next()` of this step, including everything upstream of it. */
  pullMs: number;
}

const meters = new WeakMap<Bytes, Meter>();

/**
 * Passes `input` on, reports what flows as progress of `step`, and ends with `signal.reason` once the signal is
 * aborted. `upstream` is the metered stream that the step itself reads: what the step waited for it is not counted
 * as the step's own time, so that the step with the largest own time is the bottleneck.
 */
export function metered(
  step: string,
  input: Bytes,
  context: Context,
  options: { readonly totalBytes?: number; readonly upstream?: Bytes } = {},
): Bytes {
  const total = options.totalBytes === undefined ? {} : { totalBytes: options.totalBytes };
  const above = options.upstream === undefined ? undefined : meters.get(options.upstream);
  const meter: Meter = { pullMs: 0 };
  const ownMs = () => Math.max(0, meter.pullMs - (above?.pullMs ?? 0));
  async function* pass(): Bytes {
    let doneBytes = 0;
    let reportedAtMs = 0;
    context.signal.throwIfAborted();
    context.progress({ kind: "started", step, ...total });
    let askedAtMs = performance.now();
    for await (const chunk of input) {
      context.signal.throwIfAborted();
      const nowMs = performance.now();
      meter.pullMs += nowMs - askedAtMs;
      doneBytes += chunk.byteLength;
      if (nowMs - reportedAtMs >= REPORT_INTERVAL_MS) {
        reportedAtMs = nowMs;
        context.progress({ kind: "moved", step, doneBytes, ...total, ownMs: ownMs() });
      }
      yield chunk;
      askedAtMs = performance.now();
    }
    meter.pullMs += performance.now() - askedAtMs;
    context.progress({ kind: "finished", step, doneBytes, ownMs: ownMs() });
  }
  const output = pass();
  meters.set(output, meter);
  return output;
}

/**
 * Lets `sink` take all of `input` and reports it as progress of `step`, whose own time is what `sink` did not spend
 * waiting for `input`.
 */
export async function meteredSink(
  step: string,
  input: Bytes,
  context: Context,
  sink: (bytes: Bytes) => Promise<void>,
  options: { readonly totalBytes?: number } = {},
): Promise<void> {
  const pull = meters.get(input) ?? { pullMs: 0 };
  await stepping(step, context, options.totalBytes, async (moved) => {
    async function* counted(): Bytes {
      let doneBytes = 0;
      for await (const chunk of input) {
        yield chunk;
        doneBytes += chunk.byteLength;
        moved(doneBytes, pull.pullMs);
      }
      moved(doneBytes, pull.pullMs);
    }
    await sink(counted());
  });
}

/**
 * Runs `work` as one step that reports its own progress, such as an outside program: `moved` may be called as often
 * as one likes, with the bytes done so far and, where known, the milliseconds spent waiting for others.
 */
export async function stepping<T>(
  step: string,
  context: Context,
  totalBytes: number | undefined,
  work: (moved: (doneBytes: number, waitedMs?: number) => void) => Promise<T>,
): Promise<T> {
  const total = totalBytes === undefined ? {} : { totalBytes };
  const startedAtMs = performance.now();
  let reportedAtMs = 0;
  let doneBytes = 0;
  let waitedMs = 0;
  const ownMs = () => Math.max(0, performance.now() - startedAtMs - waitedMs);
  context.signal.throwIfAborted();
  context.progress({ kind: "started", step, ...total });
  const result = await work((bytes, waited = 0) => {
    doneBytes = bytes;
    waitedMs = waited;
    const nowMs = performance.now();
    if (nowMs - reportedAtMs < REPORT_INTERVAL_MS) return;
    reportedAtMs = nowMs;
    context.progress({ kind: "moved", step, doneBytes, ...total, ownMs: ownMs() });
  });
  context.progress({ kind: "finished", step, doneBytes, ownMs: ownMs() });
  return result;
}
