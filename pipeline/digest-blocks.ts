import type { Blocks, BlocksLocator, Context, Extent } from "./contract.ts";
import { DIGEST_BLOCK_BYTES, diskDigester, leafTree, zeroLeaf } from "./disk-digest.ts";
import { stepping } from "./progress.ts";
import { zeroes } from "./zero.ts";

/** Blocks in one task of a thread: 64 MiB keep it busy for some 40 ms, so that handing tasks out costs nothing. */
const TASK_BLOCKS = 16;

/** Tasks that wait beside those that run, so that no thread waits for the allocation map. */
const TASKS_AHEAD = 2;

/** Read at one time where the main thread must read itself. */
const READ_BYTES = 1024 * 1024;

const LEAF_BYTES = 32;

export interface DigestOptions {
  /** As progress names it. Default `digest`. */
  readonly step?: string;
}

export interface BlocksDigest {
  /** Lower-case hex. */
  readonly digest: string;
  readonly sizeBytes: number;
}

/**
 * The disk digest of random-access data; the same as `diskDigester` gives for the same bytes. What the allocation map
 * calls zero is not read. Where threads can open the data themselves they read and hash it, else it is read here.
 * Throws what reading the blocks throws, once no thread works for it any more.
 */
export async function digestBlocks(
  blocks: Blocks,
  context: Context,
  options: DigestOptions = {},
): Promise<BlocksDigest> {
  const { step = "digest" } = options;
  const { locator, sizeBytes } = blocks;
  return await stepping(step, context, sizeBytes, (moved) =>
    locator === undefined
      ? digestHere(blocks, context, moved)
      : digestInThreads(blocks, locator, context, moved),
  );
}

async function digestHere(
  blocks: Blocks,
  context: Context,
  moved: (doneBytes: number) => void,
): Promise<BlocksDigest> {
  const digester = diskDigester(context);
  const memory = new Uint8Array(READ_BYTES);
  for await (const { offset, length, kind } of blocks.extents(0, blocks.sizeBytes, context)) {
    if (kind === "zero") {
      for (const zero of zeroes(length)) await digester.update(zero);
    } else {
      for (let at = offset; at < offset + length; at += READ_BYTES) {
        const piece = memory.subarray(0, Math.min(READ_BYTES, offset + length - at));
        await blocks.read(at, piece, context);
        await digester.update(piece);
        moved(at + piece.byteLength);
      }
    }
    moved(offset + length);
  }
  return await digester.finish();
}

/** Leaves of blocks that follow each other: known to be zero, or with a thread. */
interface Leaves {
  readonly blockCount: number;
  readonly hashes?: Promise<Uint8Array>;
}

async function digestInThreads(
  blocks: Blocks,
  locator: BlocksLocator,
  context: Context,
  moved: (doneBytes: number) => void,
): Promise<BlocksDigest> {
  const { sizeBytes } = blocks;
  const tree = leafTree();
  const queue: Leaves[] = [];
  let doneBlocks = 0;

  async function drain(): Promise<void> {
    const leaves = queue.shift();
    if (leaves === undefined) return;
    const hashes = await leaves.hashes;
    for (let index = 0; index < leaves.blockCount; index++) {
      const lengthBytes = Math.min(DIGEST_BLOCK_BYTES, sizeBytes - (doneBlocks + index) * DIGEST_BLOCK_BYTES);
      tree.push(hashes?.subarray(index * LEAF_BYTES, (index + 1) * LEAF_BYTES) ?? zeroLeaf(lengthBytes));
    }
    doneBlocks += leaves.blockCount;
    moved(Math.min(sizeBytes, doneBlocks * DIGEST_BLOCK_BYTES));
  }

  try {
    const extents = blocks.extents(0, sizeBytes, context);
    for await (const { firstBlock, blockCount, kind } of blockRuns(extents, sizeBytes)) {
      context.signal.throwIfAborted();
      if (kind === "zero") {
        queue.push({ blockCount });
      } else {
        const input = { locator, sizeBytes, firstBlock, blockCount };
        const hashes = context.threads
          .run("hashBlocks", input, context.signal)
          .then((output) => output.hashes);
        hashes.catch(() => undefined); // whoever awaits it sees the error; it must not count as unhandled until then
        queue.push({ blockCount, hashes });
      }
      while (queue.length > context.threads.count + TASKS_AHEAD) await drain();
    }
    while (queue.length > 0) await drain();
  } finally {
    await Promise.allSettled(queue.map(({ hashes }) => hashes ?? Promise.resolve()));
  }
  return { digest: tree.digest(sizeBytes), sizeBytes };
}

/** Blocks that follow each other; those of a "data" run hold data somewhere, and are at most {@link TASK_BLOCKS}. */
export interface BlockRun {
  readonly firstBlock: number;
  readonly blockCount: number;
  readonly kind: Extent["kind"];
}

/**
 * Runs of digest blocks that cover the disk in order. Data nearby goes into one run, which lies within a window of
 * {@link TASK_BLOCKS}, so that scattered data does not make a task of every block.
 */
export async function* blockRuns(extents: AsyncIterable<Extent>, sizeBytes: number): AsyncIterable<BlockRun> {
  let next = 0;
  let data: { first: number; last: number } | undefined;
  function* flush(): Generator<BlockRun> {
    if (data === undefined) return;
    if (data.first > next) yield { firstBlock: next, blockCount: data.first - next, kind: "zero" };
    yield { firstBlock: data.first, blockCount: data.last - data.first + 1, kind: "data" };
    next = data.last + 1;
    data = undefined;
  }
  for await (const { offset, length, kind } of extents) {
    if (kind === "zero" || length === 0) continue;
    let first = Math.max(next, Math.floor(offset / DIGEST_BLOCK_BYTES));
    const last = Math.floor((offset + length - 1) / DIGEST_BLOCK_BYTES);
    while (first <= last) {
      if (data !== undefined && windowOf(data.first) !== windowOf(first)) yield* flush();
      const inWindow = Math.min(last, (windowOf(first) + 1) * TASK_BLOCKS - 1);
      data = { first: data?.first ?? first, last: inWindow };
      first = inWindow + 1;
    }
  }
  yield* flush();
  const blockCount = Math.ceil(sizeBytes / DIGEST_BLOCK_BYTES);
  if (next < blockCount) yield { firstBlock: next, blockCount: blockCount - next, kind: "zero" };
}

function windowOf(block: number): number {
  return Math.floor(block / TASK_BLOCKS);
}
