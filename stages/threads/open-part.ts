import { createHash } from "node:crypto";
import type { ThreadInput, ThreadOutput } from "../../pipeline/thread-tasks.ts";
import { decryptBlocks } from "./decrypt-blocks.ts";

/**
 * Hashes one part's ciphertext and decrypts it where it stands. The hash is returned and not compared: the caller knows
 * the name to put into the error.
 */
export function openPart(input: ThreadInput<"openPart">): ThreadOutput<"openPart"> {
  const sha1 = createHash("sha1")
    .update(new Uint8Array(input.memory, 0, input.lengthBytes))
    .digest("hex");
  decryptBlocks(input);
  return { sha1 };
}
