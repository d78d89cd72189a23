import { createDecipheriv, createHash } from "node:crypto";
import type { ThreadInput, ThreadOutput } from "../../pipeline/thread-tasks.ts";

/** Decrypting goes through a buffer of this size, which stays in the processor's cache. */
const PIECE_BYTES = 256 * 1024;

/**
 * Hashes a run of ciphertext and decrypts it where it stands, AES-128-CBC without padding. `lengthBytes` is a multiple
 * of 16 (else the plaintext would come out short, which throws a RangeError). The hash is returned and not compared, as
 * the caller knows the name to put into the error.
 */
export function openPart(input: ThreadInput<"openPart">): ThreadOutput<"openPart"> {
  const { memory, lengthBytes, key, iv } = input;
  if (lengthBytes % 16 !== 0) throw new RangeError(`Cannot decrypt ${lengthBytes} bytes, no multiple of 16`);
  const part = new Uint8Array(memory, 0, lengthBytes);
  const sha1 = createHash("sha1").update(part).digest("hex");
  const decipher = createDecipheriv("aes-128-cbc", key, iv).setAutoPadding(false);
  for (let at = 0; at < lengthBytes; at += PIECE_BYTES) {
    part.set(decipher.update(part.subarray(at, at + PIECE_BYTES)), at);
  }
  decipher.final();
  return { sha1 };
}
