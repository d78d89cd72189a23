import { closeSync, openSync, readSync } from "node:fs";
import type { BlocksLocator } from "../../pipeline/contract.ts";
import { DIGEST_BLOCK_BYTES, leafHasher } from "../../pipeline/disk-digest.ts";
import { ImportError } from "../../pipeline/errors.ts";
import type { ThreadInput, ThreadOutput } from "../../pipeline/thread-tasks.ts";
import { readError } from "../blocks/file.ts";
import { connectNbd } from "../blocks/nbd/connection.ts";

/** Read at one time: small enough that it is still in the core's cache when it is hashed. */
const PIECE_BYTES = 512 * 1024;

/** Pieces asked of an NBD server beside the one being hashed, so that it decodes meanwhile. */
const PIECES_AHEAD = 3;

const LEAF_BYTES = 32;

/**
 * Reads and hashes blocks of a disk in the thread that calls it. The disk is opened for each call: that costs well under
 * a hundredth of what the 64 MiB of a usual call take, and nothing can be left open. A hole of a file is read as the
 * zeroes it is, an NBD server sends none. Throws SOURCE_NOT_FOUND, SOURCE_FORBIDDEN, SOURCE_TRUNCATED, IMAGE_CORRUPT, PROGRAM_FAILED.
 */
export async function hashBlocks(input: ThreadInput<"hashBlocks">): Promise<ThreadOutput<"hashBlocks">> {
  const { locator, sizeBytes, firstBlock, blockCount } = input;
  const start = firstBlock * DIGEST_BLOCK_BYTES;
  const end = Math.min(sizeBytes, start + blockCount * DIGEST_BLOCK_BYTES);
  const pieces =
    locator.kind === "file" ? filePieces(locator.path, start, end) : nbdPieces(locator, start, end);
  const hashes = new Uint8Array(blockCount * LEAF_BYTES);
  const hasher = leafHasher();
  let dataBytes = 0;
  let block = 0;
  let at = start;
  for await (const piece of pieces) {
    hasher.update(piece);
    at += piece.byteLength;
    const blockEnd = Math.min(end, start + (block + 1) * DIGEST_BLOCK_BYTES);
    if (at < blockEnd) continue;
    const { leaf, isZero } = hasher.finish();
    hashes.set(leaf, block * LEAF_BYTES);
    if (!isZero) dataBytes += blockEnd - (start + block * DIGEST_BLOCK_BYTES);
    block++;
  }
  return { hashes, dataBytes };
}

/** Reads synchronously, as a thread has nothing else to do; each piece is overwritten by the next. */
function* filePieces(path: string, start: number, end: number): Generator<Uint8Array> {
  const file = attempt(path, () => openSync(path, "r"));
  try {
    const memory = Buffer.allocUnsafeSlow(PIECE_BYTES);
    for (let at = start; at < end;) {
      const wanted = Math.min(PIECE_BYTES, end - at);
      const count = attempt(path, () => readSync(file, memory, 0, wanted, at));
      if (count === 0) {
        throw new ImportError("SOURCE_TRUNCATED", `Cannot read on in "${path}" as it ends at byte ${at}`, {
          remedy: "Look whether the file was copied completely, and whether something is writing to it",
        });
      }
      yield memory.subarray(0, count);
      at += count;
    }
  } finally {
    closeSync(file);
  }
}

function attempt<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw readError(error, path);
  }
}

async function* nbdPieces(
  locator: Extract<BlocksLocator, { readonly kind: "nbd" }>,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  const { socketPath, exportName } = locator;
  // The pool ends a thread whose task is aborted, and its socket with it.
  const never = new AbortController().signal;
  await using connection = await connectNbd({ name: exportName, socketPath, exportName }, never);
  const pieceBytes = Math.min(PIECE_BYTES, connection.facts.maxBlockBytes);
  const memories = Array.from({ length: PIECES_AHEAD + 1 }, () => new Uint8Array(pieceBytes));
  const ahead: {
    readonly memory: Uint8Array<ArrayBuffer>;
    readonly piece: Uint8Array;
    readonly filled: Promise<void>;
  }[] = [];
  for (let at = start; at < end || ahead.length > 0;) {
    for (let memory = memories.pop(); memory !== undefined && at < end; memory = memories.pop()) {
      const piece = memory.subarray(0, Math.min(pieceBytes, end - at));
      const filled = connection.read(at, piece);
      filled.catch(() => undefined); // seen when its turn comes; must not count as unhandled until then
      ahead.push({ memory, piece, filled });
      at += piece.byteLength;
    }
    const next = ahead.shift();
    if (next === undefined) return;
    await next.filled;
    yield next.piece;
    memories.push(next.memory);
  }
}
