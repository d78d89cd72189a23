import type { Context } from "../pipeline/contract.ts";
import type { ImportError } from "../pipeline/errors.ts";
import type { RetryOptions } from "../pipeline/retry.ts";

/** How often and with what pauses a remote place is tried; see `pipeline/retry.ts` for the defaults. */
export type RetryPolicy = Pick<RetryOptions, "tryCount" | "firstPauseMs" | "pause">;

/** Longer than the pauses of a busy store, short enough to notice a dead one while somebody watches. */
export const DEFAULT_IDLE_TIMEOUT_MS = 30_000;

/** Tells of a repeated try in the log. */
export function noteRetry(step: string, context: Context): (error: ImportError, attempt: number) => void {
  return (error, attempt) => {
    context.log.debug("trying again", { step, attempt, code: error.code, reason: error.message });
  };
}
