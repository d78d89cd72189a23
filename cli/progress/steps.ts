import type { ProgressEvent } from "../../pipeline/contract.ts";

/** What is known of a step at one moment. */
export interface StepView {
  readonly step: string;
  readonly isRunning: boolean;
  readonly doneBytes: number;
  readonly totalBytes?: number;
  /** Of late while it runs, on average when it has finished. */
  readonly bytesPerSecond: number;
  /** Absent where the total is not known, nothing moves, or nothing is left. */
  readonly remainingMs?: number;
}

/** The step that the others wait for. */
export interface Bottleneck {
  readonly step: string;
  /** Its own time as a part of the time that has passed, 0 to 1. */
  readonly share: number;
}

/** Everything that was reported, as one picture. */
export interface StepBoard {
  report(event: ProgressEvent): void;
  /** In the order in which the bytes pass them. */
  views(): readonly StepView[];
  /** Undefined in the first second, and where fewer than two steps run together. */
  bottleneck(): Bottleneck | undefined;
}

interface Step {
  readonly startedAtMs: number;
  totalBytes?: number;
  doneBytes: number;
  ownMs: number;
  endedAtMs?: number;
  /** The last {@link RATE_WINDOW_MS} of [time, bytes], oldest first. */
  readonly samples: [atMs: number, bytes: number][];
}

/** A rate over less jumps too much to be read, one over more hides that something has stalled. */
const RATE_WINDOW_MS = 4000;

/** Before that, what a step spent on starting up looks like its share. */
const BOTTLENECK_AFTER_MS = 1000;

export function stepBoard(now: () => number): StepBoard {
  const steps = new Map<string, Step>();

  function move(step: Step, doneBytes: number, ownMs: number): void {
    step.doneBytes = doneBytes;
    step.ownMs = ownMs;
    step.samples.push([now(), doneBytes]);
    while (step.samples.length > 2 && now() - (step.samples[1]?.[0] ?? 0) > RATE_WINDOW_MS)
      step.samples.shift();
  }

  /**
   * A step that pulls starts before the one it pulls from: one that starts while those before it wait for their first byte is
   * put in front of them. A step that comes again is listed where it comes again.
   */
  function insert(name: string, step: Step): void {
    steps.delete(name);
    const waiting: [string, Step][] = [];
    for (const entry of Array.from(steps).toReversed()) {
      if (entry[1].endedAtMs !== undefined || entry[1].samples.length > 1) break;
      waiting.unshift(entry);
      steps.delete(entry[0]);
    }
    for (const entry of [[name, step] as const, ...waiting]) steps.set(...entry);
  }

  return {
    report(event) {
      if (event.kind === "note") return;
      if (event.kind === "started") {
        const { totalBytes } = event;
        const samples: [number, number][] = [[now(), 0]];
        const step = { startedAtMs: now(), doneBytes: 0, ownMs: 0, samples };
        insert(event.step, totalBytes === undefined ? step : { ...step, totalBytes });
        return;
      }
      const step = steps.get(event.step);
      if (step === undefined) return;
      move(step, event.doneBytes, event.ownMs);
      if (event.kind === "finished") step.endedAtMs = now();
      else if (event.totalBytes !== undefined) step.totalBytes = event.totalBytes;
    },
    views: () => Array.from(steps, ([name, step]) => view(name, step, now())),
    bottleneck() {
      const running = Array.from(steps).filter(([, step]) => step.endedAtMs === undefined);
      const slowest = running.reduce<[string, Step] | undefined>(
        (most, entry) => (most === undefined || entry[1].ownMs > most[1].ownMs ? entry : most),
        undefined,
      );
      if (slowest === undefined || running.length < 2) return undefined;
      const passedMs = now() - Math.min(...running.map(([, step]) => step.startedAtMs));
      if (passedMs < BOTTLENECK_AFTER_MS) return undefined;
      return { step: slowest[0], share: Math.min(1, slowest[1].ownMs / passedMs) };
    },
  };
}

function view(name: string, step: Step, nowMs: number): StepView {
  const { doneBytes, totalBytes, startedAtMs, endedAtMs } = step;
  const bytesPerSecond =
    endedAtMs === undefined ? recentRate(step, nowMs) : rate(doneBytes, endedAtMs - startedAtMs);
  const leftBytes = totalBytes === undefined || endedAtMs !== undefined ? 0 : totalBytes - doneBytes;
  return {
    step: name,
    isRunning: endedAtMs === undefined,
    doneBytes,
    bytesPerSecond,
    ...(totalBytes === undefined ? {} : { totalBytes }),
    ...(leftBytes > 0 && bytesPerSecond > 0 ? { remainingMs: (leftBytes / bytesPerSecond) * 1000 } : {}),
  };
}

/** Up to the present moment and not to the last report, so that it falls while nothing comes. */
function recentRate({ samples, doneBytes }: Step, nowMs: number): number {
  const [oldestAtMs, oldestBytes] = samples[0] ?? [nowMs, doneBytes];
  return rate(doneBytes - oldestBytes, nowMs - oldestAtMs);
}

function rate(bytes: number, ms: number): number {
  return ms <= 0 ? 0 : (bytes / ms) * 1000;
}
