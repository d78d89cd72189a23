import PQueue from "p-queue";
import type { Bytes, Context } from "../../pipeline/contract.ts";
import { withSignal } from "../../pipeline/context.ts";
import type { ImportError } from "../../pipeline/errors.ts";
import { retry, type RetryOptions } from "../../pipeline/retry.ts";

/** Large enough that the cost of a request (1 ms on a near store) hardly shows, small enough to hold several. */
export const PIECE_BYTES = 4 * 1024 * 1024;
/** More connections gained nothing on a near store and are what AWS advises per 100 MB/s for a far one. */
export const CONNECTION_COUNT = 6;
/**
 * Pieces that are being fetched or wait for their turn: so that one slow piece does not stop the others at once. With
 * {@link PIECE_BYTES} at most 32 MiB.
 */
export const WINDOW_COUNT = 8;
/** What is passed on at a time: views on a piece, without a copy. */
const CHUNK_BYTES = 1024 * 1024;
/** A connection that gave less before it broke does not count as progress, so that tries are used up. */
const PROGRESS_BYTES = 64 * 1024;

/**
 * Fetches `pieces` in parallel and passes them on in order. At most {@link CONNECTION_COUNT} calls of `fetch` run at a
 * time and at most {@link WINDOW_COUNT} pieces are held. When the consumer stops, or one piece fails, the calls that
 * still run are aborted and waited for.
 */
export async function* inOrder<Piece>(
  pieces: Iterable<Piece>,
  fetch: (piece: Piece, context: Context) => Promise<Uint8Array>,
  context: Context,
): Bytes {
  const ending = new AbortController();
  const inner = withSignal(context, ending.signal);
  const queue = new PQueue({ concurrency: CONNECTION_COUNT });
  const window: Promise<Uint8Array>[] = [];
  const upcoming = pieces[Symbol.iterator]();
  const advance = (): void => {
    const { done, value } = upcoming.next();
    if (done === true) return;
    const fetched = queue.add(() => fetch(value, inner));
    fetched.catch(() => {}); // seen when its turn comes, or of no interest any more
    window.push(fetched);
  };
  try {
    context.signal.throwIfAborted();
    for (let count = 0; count < WINDOW_COUNT; count++) advance();
    for (let next = window.shift(); next !== undefined; next = window.shift()) {
      const bytes = await next;
      context.signal.throwIfAborted();
      advance();
      for (let at = 0; at < bytes.byteLength; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
    }
  } finally {
    ending.abort();
    queue.clear();
    await queue.onIdle();
  }
}

/** `[fromByte, toByte)` cut at the multiples of {@link PIECE_BYTES}. */
export function* cut(
  fromByte: number,
  toByte: number,
): Iterable<{ readonly offset: number; readonly length: number }> {
  for (let offset = fromByte; offset < toByte;) {
    const end = Math.min(toByte, (Math.floor(offset / PIECE_BYTES) + 1) * PIECE_BYTES);
    yield { offset, length: end - offset };
    offset = end;
  }
}

/**
 * Fills a new buffer of `length` bytes through `read`, which tries once, is told how many bytes there are already, and
 * says how many it added and what stopped it before the buffer was full. Broken bodies are continued where they broke: at once when the last connection
 * gave something, else after the pauses of `retry`, and given up after its number of tries without progress.
 */
export async function fillPiece(
  length: number,
  read: (
    into: Uint8Array,
    filled: number,
  ) => Promise<{ readonly count: number; readonly fault: ImportError | undefined }>,
  options: RetryOptions,
): Promise<Uint8Array> {
  const into = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    filled += await retry(async () => {
      const { count, fault } = await read(into, filled);
      if (fault !== undefined && count < PROGRESS_BYTES) throw fault;
      return count;
    }, options);
  }
  return into;
}
