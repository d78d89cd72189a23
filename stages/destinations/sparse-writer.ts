import type { FileHandle } from "node:fs/promises";
import type { Bytes, Context } from "../../pipeline/contract.ts";
import { dataRuns } from "../../pipeline/zero.ts";
import { writeError } from "./write-error.ts";

/** Small neighbouring chunks, such as tar-stream's 64 KiB, are written together up to this. */
const BATCH_BYTES = 1024 * 1024;

/** Half of Linux's IOV_MAX; tiny chunks would otherwise make long lists. */
const BATCH_CHUNKS = 512;

/** Bytes handed to the kernel and not yet taken: enough for the four threads of libuv, no more than a few chunks. */
const IN_FLIGHT_BYTES = 8 * 1024 * 1024;

/**
 * So much new data is sent to the disk at once while more arrives. Without it Linux keeps it all in memory (10% of it
 * by default) and the disk idles until the final fsync, which then takes as long as writing everything.
 */
const FLUSH_BYTES = 64 * 1024 * 1024;

export interface SparseWriterOptions {
  /** Of the destination, for errors. */
  readonly name: string;
  /** "skip" leaves runs of zeroes unwritten: right where unwritten bytes read as zero. */
  readonly zeroes: "skip" | "write";
  /** Called before a chunk is taken, with the position after it; may throw. */
  readonly admit?: (endByte: number) => void;
  /** New data after which the disk is set to work. Default {@link FLUSH_BYTES}; Infinity for what need not last. */
  readonly flushBytes?: number;
}

/**
 * Writes `bytes` from position `startByte` of `file` on without copying them, several writes at a time, and returns the position after
 * the last byte. No write is under way any more when it returns or throws. Throws what {@link writeError} makes of
 * system errors, which name the destination as `name`.
 */
export async function writeSparse(
  file: FileHandle,
  bytes: Bytes,
  context: Context,
  options: SparseWriterOptions,
  startByte = 0,
): Promise<number> {
  const { name, zeroes, admit, flushBytes = FLUSH_BYTES } = options;
  const inFlight = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  let inFlightBytes = 0;
  let unflushedBytes = 0;
  let flushing = false;
  let batch: Uint8Array[] = [];
  let batchBytes = 0;
  let batchStart = 0;

  const crowded = () => inFlightBytes > IN_FLIGHT_BYTES;

  async function settled(work: Promise<unknown>, done: () => void): Promise<void> {
    try {
      await work;
    } catch (error) {
      failure ??= { error: writeError(error, name) };
    }
    done();
  }

  function track(work: Promise<unknown>, done: () => void): void {
    const tracked = settled(work, () => {
      inFlight.delete(tracked);
      done();
    });
    inFlight.add(tracked);
  }

  function submit(): void {
    if (batchBytes === 0) return;
    const lengthBytes = batchBytes;
    inFlightBytes += lengthBytes;
    unflushedBytes += lengthBytes;
    track(writeFully(file, batch, batchStart), () => (inFlightBytes -= lengthBytes));
    batch = [];
    batchBytes = 0;
    if (unflushedBytes < flushBytes || flushing) return;
    unflushedBytes = 0;
    flushing = true;
    track(file.datasync(), () => (flushing = false));
  }

  function add(run: Uint8Array, position: number): void {
    const full = batchBytes >= BATCH_BYTES || batch.length >= BATCH_CHUNKS;
    if (full || position !== batchStart + batchBytes) submit();
    if (batchBytes === 0) batchStart = position;
    batch.push(run);
    batchBytes += run.byteLength;
  }

  let at = startByte;
  try {
    for await (const chunk of bytes) {
      context.signal.throwIfAborted();
      admit?.(at + chunk.byteLength);
      if (zeroes === "write") add(chunk, at);
      else for (const [start, end] of dataRuns(chunk)) add(chunk.subarray(start, end), at + start);
      at += chunk.byteLength;
      while (crowded()) await Promise.race(inFlight);
      if (failure !== undefined) throw failure.error;
    }
    submit();
  } finally {
    await Promise.all(inFlight);
  }
  if (failure !== undefined) throw failure.error;
  return at;
}

/** The kernel may take less than it is offered, last of all when the disk is nearly full. */
async function writeFully(file: FileHandle, buffers: readonly Uint8Array[], position: number): Promise<void> {
  let left = buffers;
  let at = position;
  while (left.length > 0) {
    const { bytesWritten } = await file.writev(left, at);
    at += bytesWritten;
    left = dropBytes(left, bytesWritten);
  }
}

function dropBytes(buffers: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let skip = count;
  for (const [index, buffer] of buffers.entries()) {
    if (skip < buffer.byteLength) return [buffer.subarray(skip), ...buffers.slice(index + 1)];
    skip -= buffer.byteLength;
  }
  return [];
}
