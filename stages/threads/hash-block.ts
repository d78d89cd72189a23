import { hashLeaf } from "../../pipeline/disk-digest.ts";
import type { ThreadInput, ThreadOutput } from "../../pipeline/thread-tasks.ts";

/** The leaf of a disk digest for a block in shared memory. */
export function hashBlock({ memory, lengthBytes }: ThreadInput<"hashBlock">): ThreadOutput<"hashBlock"> {
  return hashLeaf(new Uint8Array(memory, 0, lengthBytes));
}
