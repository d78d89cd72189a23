import type { Bytes } from "../pipeline/contract.ts";
import { ImportError } from "../pipeline/errors.ts";

/** Of AES, in bytes: the grain of CBC and of its padding. */
export const BLOCK_BYTES = 16;

/**
 * Takes the PKCS#7 padding off the end of a decrypted stream: 1 to 16 bytes that all say how many they are (RFC 5652
 * section 6.3). Holds back one chunk, since only the end shows which block was the last. `name` is for the message.
 * Throws DECRYPTION_FAILED when the end is no padding or the length no multiple of 16.
 */
export async function* withoutPadding(plaintext: Bytes, name: string): Bytes {
  let held: Uint8Array = new Uint8Array();
  let sizeBytes = 0;
  for await (const chunk of plaintext) {
    sizeBytes += chunk.byteLength;
    if (chunk.byteLength >= BLOCK_BYTES) {
      if (held.byteLength > 0) yield held;
      held = chunk;
    } else {
      held = Buffer.concat([held, chunk]);
      if (held.byteLength > BLOCK_BYTES) {
        yield held.subarray(0, -BLOCK_BYTES);
        held = held.subarray(-BLOCK_BYTES);
      }
    }
  }
  if (sizeBytes === 0 || sizeBytes % BLOCK_BYTES !== 0) {
    throw new ImportError(
      "DECRYPTION_FAILED",
      `Cannot decrypt "${name}" as its length must be a multiple of ${BLOCK_BYTES} bytes and not 0: current length is ${sizeBytes}`,
      { step: "decrypt", remedy: "Get it again: a piece of it is missing at the end" },
    );
  }
  const paddingBytes = held.at(-1) ?? 0;
  const padding = held.subarray(-paddingBytes);
  if (paddingBytes < 1 || paddingBytes > BLOCK_BYTES || !padding.every((byte) => byte === paddingBytes)) {
    throw new ImportError("DECRYPTION_FAILED", `Cannot decrypt "${name}" as it does not end in padding`, {
      step: "decrypt",
      remedy: "Check that key and IV belong to it and that nothing of it is missing",
    });
  }
  if (held.byteLength > paddingBytes) yield held.subarray(0, -paddingBytes);
}
