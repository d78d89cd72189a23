import type { Threads } from "../../pipeline/contract.ts";
import { hashLeaf } from "../../pipeline/disk-digest.ts";
import { hashBlocks } from "../../stages/threads/hash-blocks.ts";

/** Both hashing tasks in the test's own thread, two at a time, for tests that are not about threads. */
export const hashingThreads: Threads = {
  count: 2,
  hasSpare: false,
  async run(task, input) {
    if (task === "hashBlocks" && "locator" in input) return await hashBlocks(input);
    if (task === "hashBlock" && "memory" in input) {
      return hashLeaf(new Uint8Array(input.memory, 0, input.lengthBytes));
    }
    throw new TypeError(`Cannot run "${task}" inline`);
  },
};
