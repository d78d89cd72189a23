import { setTimeout as delay } from "node:timers/promises";
import type { RetryOptions } from "../../pipeline/retry.ts";
import { BusyError } from "./http-errors.ts";

/** The same policy, with pauses at least as long as a busy server asked for in Retry-After. */
export function patient(options: RetryOptions): RetryOptions {
  const { onRetry, pause = (ms, signal) => delay(ms, undefined, { signal }) } = options;
  let wantedMs = 0;
  return {
    ...options,
    onRetry(error, attempt) {
      wantedMs = error instanceof BusyError ? error.retryAfterMs : 0;
      onRetry?.(error, attempt);
    },
    pause: (ms, signal) => pause(Math.max(ms, wantedMs), signal),
  };
}
