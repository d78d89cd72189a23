import type { Context, Limits, Logger } from "./contract.ts";

/** The largest volume that the clouds we know attach (AWS io2 Block Express). */
export const DEFAULT_MAX_IMAGE_BYTES = 64 * 1024 ** 4;

/** Above what zstd reaches on zeroes (about 32,700), so that an empty disk is not taken for a bomb. */
export const DEFAULT_MAX_RATIO = 40_000;

export const DEFAULT_LIMITS: Limits = { maxImageBytes: DEFAULT_MAX_IMAGE_BYTES, maxRatio: DEFAULT_MAX_RATIO };

/** A logger that says nothing. */
export const silentLogger: Logger = { debug() {}, warn() {} };

/** The same context whose signal is aborted also when `signal` is. */
export function withSignal(context: Context, signal: AbortSignal): Context {
  return { ...context, signal: AbortSignal.any([context.signal, signal]) };
}
