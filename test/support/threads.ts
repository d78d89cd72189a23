import { hashLeaf } from "../../pipeline/disk-digest.ts";
import type { Threads } from "../../pipeline/contract.ts";

/** Hashes blocks in the test's own thread, for tests that are not about threads. */
export const inlineHashing: Threads = {
  count: 1,
  async run(task, input) {
    if (task !== "hashBlock" || !("memory" in input)) throw new TypeError(`Cannot run "${task}" inline`);
    return hashLeaf(new Uint8Array(input.memory, 0, input.lengthBytes)) as never;
  },
};
