import { type Hash, createHash } from "node:crypto";
import type { Context } from "./contract.ts";
import { isZero, zeroes } from "./zero.ts";

/** Bytes of disk under one leaf of the tree. */
export const DIGEST_BLOCK_BYTES = 4 * 1024 * 1024;

/** Name of the algorithm in manifests and on the terminal; a change of anything below needs a new one. */
export const DIGEST_ALGORITHM = "sha256-tree-4mib";

/** Blocks that may be with the threads at once, beside the one being filled: 16 MiB of memory in all. */
const BLOCKS_IN_FLIGHT = 3;

/** SHA-256 of one leaf: the block as it is; the last block of a disk may be short. */
export function hashLeaf(block: Uint8Array): Buffer {
  return createHash("sha256").update(LEAF).update(block).digest();
}

/**
 * {@link hashLeaf} of a block that comes in pieces, so that each is hashed while the cache still holds it. Zeroes are
 * only counted until something else comes: `finish` tells whether it did.
 */
export function leafHasher(): {
  update(piece: Uint8Array): void;
  /** Also begins the next leaf. */
  finish(): { readonly leaf: Buffer; readonly isZero: boolean };
} {
  let hash: Hash | undefined;
  let zeroBytes = 0;
  return {
    update(piece) {
      if (hash === undefined && isZero(piece)) {
        zeroBytes += piece.byteLength;
        return;
      }
      if (hash === undefined) {
        hash = createHash("sha256").update(LEAF);
        for (const zero of zeroes(zeroBytes)) hash.update(zero);
      }
      hash.update(piece);
    },
    finish() {
      const result = { leaf: hash?.digest() ?? zeroLeaf(zeroBytes), isZero: hash === undefined };
      hash = undefined;
      zeroBytes = 0;
      return result;
    },
  };
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const ROOT = Uint8Array.of(2);
const zeroLeaves = new Map<number, Buffer>();

/** The leaf of an all-zero block, computed once a length. */
export function zeroLeaf(lengthBytes: number): Buffer {
  let leaf = zeroLeaves.get(lengthBytes);
  if (leaf === undefined) {
    leaf = hashLeaf(new Uint8Array(lengthBytes));
    zeroLeaves.set(lengthBytes, leaf);
  }
  return leaf;
}

/**
 * Joins leaves, given in order, into a disk digest: the Merkle tree hash of RFC 6962 section 2.1 (leaf prefix 0, node
 * prefix 1, split at the largest power of two below the count), and around it SHA-256(2, size of the disk as 64-bit
 * big-endian, tree hash), so that disks of different size never share a digest. Holds one hash a level of the tree.
 */
export function leafTree(): {
  push(leaf: Uint8Array): void;
  /** Lower-case hex. */
  digest(sizeBytes: number): string;
} {
  const stack: Uint8Array[] = [];
  let leafCount = 0;
  const join = (): void => {
    const right = stack.pop();
    const left = stack.pop();
    if (left === undefined || right === undefined) throw new RangeError("Cannot join fewer than two nodes");
    stack.push(createHash("sha256").update(NODE).update(left).update(right).digest());
  };
  return {
    push(leaf) {
      stack.push(leaf);
      leafCount++;
      // A subtree is full, and its halves are joined, whenever the count has another factor of two.
      for (let count = leafCount; count % 2 === 0; count /= 2) join();
    },
    digest(sizeBytes) {
      while (stack.length > 1) join();
      const size = Buffer.alloc(8);
      size.writeBigUInt64BE(BigInt(sizeBytes));
      const tree = stack[0] ?? createHash("sha256").digest();
      return createHash("sha256").update(ROOT).update(size).update(tree).digest("hex");
    },
  };
}

/** Computes a disk digest while the disk flows by in order, hashing in worker threads. */
export interface DiskDigester {
  /** Takes the next bytes; copies what it needs. Resolves when it has room for more. */
  update(chunk: Uint8Array): Promise<void>;
  /** The digest of everything taken, lower-case hex. Called once. */
  finish(): Promise<{ readonly digest: string; readonly sizeBytes: number }>;
}

/** Memory: at most {@link BLOCKS_IN_FLIGHT} + 1 blocks of {@link DIGEST_BLOCK_BYTES}, shared with the threads and used again. */
export function diskDigester(context: Context): DiskDigester {
  const tree = leafTree();
  const pending: Promise<Uint8Array>[] = [];
  const free: SharedArrayBuffer[] = [];
  let block: Uint8Array<SharedArrayBuffer> | undefined;
  let filledBytes = 0;
  let sizeBytes = 0;

  async function hash(full: Uint8Array<SharedArrayBuffer>, lengthBytes: number): Promise<Uint8Array> {
    const leaf = await context.threads.run("hashBlock", { memory: full.buffer, lengthBytes }, context.signal);
    free.push(full.buffer);
    return leaf;
  }

  async function seal(): Promise<void> {
    const leaf = block === undefined ? Promise.resolve(zeroLeaf(filledBytes)) : hash(block, filledBytes);
    leaf.catch(() => undefined); // whoever awaits it below sees the error; it must not count as unhandled until then
    pending.push(leaf);
    block = undefined;
    filledBytes = 0;
    while (pending.length > BLOCKS_IN_FLIGHT) await drain();
  }

  async function drain(): Promise<void> {
    const leaf = await pending.shift();
    if (leaf !== undefined) tree.push(leaf);
  }

  return {
    async update(chunk) {
      sizeBytes += chunk.byteLength;
      for (let at = 0; at < chunk.byteLength;) {
        const piece = chunk.subarray(at, at + DIGEST_BLOCK_BYTES - filledBytes);
        if (block === undefined && !isZero(piece)) {
          block = new Uint8Array(free.pop() ?? new SharedArrayBuffer(DIGEST_BLOCK_BYTES));
          block.fill(0, 0, filledBytes);
        }
        block?.set(piece, filledBytes);
        filledBytes += piece.byteLength;
        at += piece.byteLength;
        if (filledBytes === DIGEST_BLOCK_BYTES) await seal();
      }
    },
    async finish() {
      if (filledBytes > 0) await seal();
      while (pending.length > 0) await drain();
      return { digest: tree.digest(sizeBytes), sizeBytes };
    },
  };
}
