import { createDecipheriv } from "node:crypto";
import type { ThreadInput, ThreadOutput } from "../../pipeline/thread-tasks.ts";
import { collectYoungGarbage } from "../young-garbage.ts";

/** Decrypting goes through a buffer of this size, which stays in the processor's cache. */
const PIECE_BYTES = 256 * 1024;

/** Below this the garbage is not worth the collection. */
const COLLECT_BYTES = 1024 * 1024;

/** Decrypts whole blocks where they stand, AES-128-CBC without padding. Throws RangeError for a length not in blocks. */
export function decryptBlocks(input: ThreadInput<"decryptBlocks">): ThreadOutput<"decryptBlocks"> {
  const { memory, lengthBytes, key, iv } = input;
  if (lengthBytes % 16 !== 0) throw new RangeError(`Cannot decrypt ${lengthBytes} bytes, no multiple of 16`);
  const blocks = new Uint8Array(memory, 0, lengthBytes);
  const decipher = createDecipheriv("aes-128-cbc", key, iv).setAutoPadding(false);
  for (let at = 0; at < lengthBytes; at += PIECE_BYTES) {
    blocks.set(decipher.update(blocks.subarray(at, at + PIECE_BYTES)), at);
  }
  decipher.final();
  if (lengthBytes >= COLLECT_BYTES) collectYoungGarbage();
}
