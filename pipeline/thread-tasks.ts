import type { MessagePort } from "node:worker_threads";
import type { BlocksLocator } from "./contract.ts";

/** Everything that runs in worker threads, as name → shape. Implemented one file a task in `stages/threads/`. */
export interface ThreadTasks {
  /**
   * Checks the SHA-1 of one bundle part and decrypts it (AES-128-CBC without padding).
   * `memory` holds the ciphertext in its first `lengthBytes` bytes and is overwritten with the plaintext.
   */
  openPart: {
    input: {
      readonly memory: SharedArrayBuffer;
      readonly lengthBytes: number;
      /** 16 bytes each. */
      readonly key: Uint8Array;
      readonly iv: Uint8Array;
    };
    output: { readonly sha1: string };
  };
  /**
   * Decrypts a piece of an AES-128-CBC stream, whose IV is the 16 bytes of ciphertext before it.
   * `memory` holds `lengthBytes` bytes, a multiple of 16, and is overwritten with the plaintext.
   */
  decryptBlocks: {
    input: {
      readonly memory: SharedArrayBuffer;
      readonly lengthBytes: number;
      /** 16 bytes each. */
      readonly key: Uint8Array;
      readonly iv: Uint8Array;
    };
    output: void;
  };
  /** Leaf hashes of a disk digest for blocks that are already in memory; see `disk-digest.ts`. */
  hashBlock: {
    input: { readonly memory: SharedArrayBuffer; readonly lengthBytes: number };
    output: Uint8Array;
  };
  /**
   * Leaf hashes of `blockCount` blocks from `firstBlock` on, read by the thread itself; an all-zero block gives its
   * constant hash without being read where the allocation map tells.
   */
  hashBlocks: {
    input: {
      readonly locator: BlocksLocator;
      readonly sizeBytes: number;
      readonly firstBlock: number;
      readonly blockCount: number;
    };
    /** 32 bytes a block, concatenated; and how many bytes were data. */
    output: { readonly hashes: Uint8Array; readonly dataBytes: number };
  };
  /** Keeps a thread for as long as a stream flows: see `hasSpare` of `Threads`. The port is handed over. */
  hashStream: {
    input: { readonly port: MessagePort; readonly algorithm: HashAlgorithm };
    /** Lower-case hex; empty when the port was closed before the end. */
    output: string;
  };
}

export type HashAlgorithm = "sha1" | "sha256" | "md5";

/** What a `hashStream` task is told; it posts the memory of each `data` back. */
export type HashMessage =
  | { readonly kind: "data"; readonly memory: SharedArrayBuffer; readonly lengthBytes: number }
  | { readonly kind: "zeroes"; readonly lengthBytes: number }
  | { readonly kind: "end" };

export type ThreadTask = keyof ThreadTasks;
export type ThreadInput<T extends ThreadTask> = ThreadTasks[T]["input"];
export type ThreadOutput<T extends ThreadTask> = ThreadTasks[T]["output"];
