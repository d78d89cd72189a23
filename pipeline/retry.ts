import { setTimeout as delay } from "node:timers/promises";
import { ImportError } from "./errors.ts";

export interface RetryOptions {
  readonly signal: AbortSignal;
  /** Tries in all. Default {@link DEFAULT_TRY_COUNT}. */
  readonly tryCount?: number;
  /** Pause before the second try, doubled before each further one. Default {@link DEFAULT_FIRST_PAUSE_MS}. */
  readonly firstPauseMs?: number;
  readonly onRetry?: (error: ImportError, attempt: number) => void;
  /** Replaces the clock in tests. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** With the pauses of 0.25, 0.5, 1, 2 s it bridges a restart of a storage gateway without hiding an outage for long. */
export const DEFAULT_TRY_COUNT = 5;
export const DEFAULT_FIRST_PAUSE_MS = 250;

/**
 * Calls `attempt` until it succeeds, fails with an error whose code is not retryable, or `tryCount` is used up;
 * then throws the last error. Pauses double and vary by up to a half, so that many clients do not come back together.
 */
export async function retry<T>(attempt: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, tryCount = DEFAULT_TRY_COUNT, firstPauseMs = DEFAULT_FIRST_PAUSE_MS } = options;
  const pause = options.pause ?? ((ms, signal) => delay(ms, undefined, { signal }));
  for (let count = 1; ; count++) {
    signal.throwIfAborted();
    try {
      return await attempt(count);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ImportError) || !error.retryable || count >= tryCount) throw error;
      options.onRetry?.(error, count);
      await pause(firstPauseMs * 2 ** (count - 1) * (0.5 + Math.random()), signal);
    }
  }
}
