import { type KeyObject, constants, privateDecrypt, publicEncrypt } from "node:crypto";
import { systemCode } from "../pipeline/errors.ts";

/** RSA encryption with PKCS#1 v1.5 padding (RFC 8017 section 7.2), which bundles are bound to. */
export function encryptPkcs1(plaintext: Uint8Array, recipient: KeyObject): Uint8Array {
  return publicEncrypt({ key: recipient, padding: constants.RSA_PKCS1_PADDING }, plaintext);
}

/**
 * Decrypts what {@link encryptPkcs1} made; undefined when the padding is wrong. Where OpenSSL has implicit rejection
 * a wrong padding gives bytes that look random instead, so a caller must check what it gets either way.
 *
 * Node refuses this padding when its OpenSSL lacks implicit rejection (Node 22; CVE-2023-46809), for fear of telling
 * an attacker whether a padding was right. Nobody can learn that here, as callers treat all wrong contents alike, so
 * the padding is then removed by hand. That can go when no Node before 24 is supported.
 */
export function decryptPkcs1(ciphertext: Uint8Array, key: KeyObject): Uint8Array | undefined {
  try {
    return privateDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, ciphertext);
  } catch (error) {
    if (systemCode(error) !== "ERR_INVALID_ARG_VALUE") return undefined;
  }
  return decryptPkcs1ByHand(ciphertext, key);
}

/** As {@link decryptPkcs1}, with a bare RSA operation, which every version of Node allows. */
export function decryptPkcs1ByHand(ciphertext: Uint8Array, key: KeyObject): Uint8Array | undefined {
  let block: Uint8Array;
  try {
    block = privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, ciphertext);
  } catch {
    // Not smaller than the modulus, or not as long: made for another key.
    return undefined;
  }
  return stripPkcs1(block);
}

/** Length of the fixed start (0, 2), the shortest filling and its end (0). */
const MIN_PADDING_BYTES = 11;

/**
 * The message in a block of `0, 2, at least eight other than 0, 0, message`; undefined for any other. Looks at every
 * byte whatever it finds, so that the time taken tells little.
 */
export function stripPkcs1(block: Uint8Array): Uint8Array | undefined {
  let separatorAt = -1;
  for (const [at, byte] of block.entries()) {
    if (at >= 2 && byte === 0 && separatorAt === -1) separatorAt = at;
  }
  const good = block[0] === 0 && block[1] === 2 && separatorAt >= MIN_PADDING_BYTES - 1;
  return good ? block.subarray(separatorAt + 1) : undefined;
}
