import PQueue from "p-queue";
import type { Bytes, Context } from "../../pipeline/contract.ts";
import { withSignal } from "../../pipeline/context.ts";
import { collectYoungGarbage } from "../young-garbage.ts";
import { retry, type RetryOptions } from "../../pipeline/retry.ts";
import type { Catch } from "./response-body.ts";

/** Twice as much gained little and cost 100 MiB, as V8 is slow to take back what a piece occupied. */
export const PIECE_BYTES = 4 * 1024 * 1024;
/** More gained nothing on a near store. AWS counts on 85–90 MB/s a connection, which makes 350 MB/s from a far one. */
export const CONNECTION_COUNT = 4;
/**
 * Pieces that are being fetched or wait for their turn: so that one slow piece does not stop the others at once. With
 * {@link PIECE_BYTES} at most 20 MiB.
 */
export const WINDOW_COUNT = 5;
/** Pieces after which the memory of those that were used is taken back. */
const COLLECT_COUNT = 4;
/** A connection that gave less before it broke does not count as progress, so that tries are used up. */
const PROGRESS_BYTES = 64 * 1024;

/** A piece as the network gave it: chunks of up to 64 KiB, passed on without a copy. */
export type Chunks = readonly Uint8Array[];

/**
 * Fetches `pieces` in parallel and passes them on in order. At most {@link CONNECTION_COUNT} calls of `fetch` run at a
 * time and at most {@link WINDOW_COUNT} pieces are held. When the consumer stops, or one piece fails, the calls that
 * still run are aborted and waited for.
 */
export async function* inOrder<Piece>(
  pieces: Iterable<Piece>,
  fetch: (piece: Piece, context: Context) => Promise<Chunks>,
  context: Context,
): Bytes {
  const ending = new AbortController();
  const inner = withSignal(context, ending.signal);
  const queue = new PQueue({ concurrency: CONNECTION_COUNT });
  const window: Promise<Chunks>[] = [];
  let passedCount = 0;
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
      const chunks = await next;
      context.signal.throwIfAborted();
      advance();
      yield* chunks;
      if (++passedCount % COLLECT_COUNT === 0) collectYoungGarbage();
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
 * The `length` bytes of a piece through `read`, which tries once from the byte it is given. Broken bodies are continued
 * where they broke: at once when the connection gave something, else after the pauses of `retry`, and given up after
 * its number of tries without progress.
 */
export async function wholePiece(
  length: number,
  read: (fromByte: number) => Promise<Catch>,
  options: RetryOptions,
): Promise<Chunks> {
  const all: Uint8Array[] = [];
  for (let filled = 0; filled < length;) {
    const { chunks, byteCount } = await retry(async () => {
      const caught = await read(filled);
      if (caught.fault !== undefined && caught.byteCount < PROGRESS_BYTES) throw caught.fault;
      return caught;
    }, options);
    all.push(...chunks);
    filled += byteCount;
  }
  return all;
}
