import type { Bytes, Context, Source, Stage } from "../pipeline/contract.ts";
import { type ErrorCode, ImportError } from "../pipeline/errors.ts";

/** Enough for the largest bzip2 block and for the first member of an OVA. */
export const HEAD_BYTES = 1024 * 1024;

/** A source whose beginning can be looked at before it is read, also when it can be read only once. */
export interface PeekedSource extends Source, AsyncDisposable {
  /** The first `lengthBytes` bytes, fewer at the end; repeated calls for no more than the first give the same. */
  head(context: Context, lengthBytes?: number): Promise<Buffer>;
}

/**
 * Lets a source be looked at first. A pipe can only be opened once: what was looked at is kept, at most
 * {@link HEAD_BYTES}, and given out again before the rest.
 * Disposing closes a pipe that was looked at and not read.
 */
export function peeked(source: Source, options: { readonly readsOnce: boolean }): PeekedSource {
  let looked: Promise<Buffer> | undefined;
  let opened: AsyncIterator<Uint8Array> | undefined;

  async function look(context: Context, lengthBytes: number): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    let seenBytes = 0;
    const iterator = source.bytes(context)[Symbol.asyncIterator]();
    while (seenBytes < lengthBytes) {
      const { value, done } = await iterator.next();
      if (done === true) break;
      chunks.push(value);
      seenBytes += value.byteLength;
    }
    if (options.readsOnce) opened = iterator;
    else await iterator.return?.();
    return Buffer.concat(chunks);
  }

  async function* rest(kept: Buffer, iterator: AsyncIterator<Uint8Array>): Bytes {
    try {
      if (kept.byteLength > 0) yield kept;
      for (;;) {
        const { value, done } = await iterator.next();
        if (done === true) return;
        yield value;
      }
    } finally {
      await iterator.return?.();
    }
  }

  return {
    name: source.name,
    facts: (context) => source.facts(context),
    async head(context, lengthBytes = HEAD_BYTES) {
      looked ??= look(context, lengthBytes);
      return (await looked).subarray(0, lengthBytes);
    },
    async *bytes(context, fromByte = 0) {
      const kept = await looked;
      if (kept === undefined || opened === undefined) {
        yield* source.bytes(context, fromByte);
        return;
      }
      if (fromByte > 0) throw new RangeError("A pipe cannot be read from the middle");
      yield* rest(kept, opened);
    },
    async [Symbol.asyncDispose]() {
      await opened?.return?.();
    },
  };
}

/** Errors that only mean that a beginning was cut off where the stage wanted more. */
const CUT_OFF: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "DECOMPRESSION_FAILED",
  "ARCHIVE_INVALID",
  "SOURCE_TRUNCATED",
]);

/** What comes out of the stages for the beginning of their input: up to `lengthBytes`, fewer where the beginning ends. */
export async function headThrough(
  head: Uint8Array,
  stages: readonly Stage[],
  lengthBytes: number,
  context: Context,
): Promise<Buffer> {
  const isCutOff = (error: unknown) => error instanceof ImportError && CUT_OFF.has(error.code);
  return await firstBytes(through(once(head), stages, context), lengthBytes, isCutOff);
}

/** The stages folded over `bytes`. */
export function through(bytes: Bytes, stages: readonly Stage[], context: Context): Bytes {
  return stages.reduce((input, stage) => stage.transform(input, context), bytes);
}

/** Copies up to `lengthBytes` from the beginning and closes `bytes`; an error that `forgives` allows ends it early. */
export async function firstBytes(
  bytes: Bytes,
  lengthBytes: number,
  forgives: (error: unknown) => boolean = () => false,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let seenBytes = 0;
  try {
    for await (const chunk of bytes) {
      chunks.push(Uint8Array.from(chunk));
      seenBytes += chunk.byteLength;
      if (seenBytes >= lengthBytes) break;
    }
  } catch (error) {
    if (!forgives(error)) throw error;
  }
  return Buffer.concat(chunks).subarray(0, lengthBytes);
}

async function* once(bytes: Uint8Array): Bytes {
  if (bytes.byteLength > 0) yield bytes;
}
