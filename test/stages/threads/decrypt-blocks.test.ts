import { createCipheriv } from "node:crypto";
import test from "ava";
import fc from "fast-check";
import { seededBytes } from "../../../fixtures/seeded.ts";
import { decryptBlocks } from "../../../stages/threads/decrypt-blocks.ts";

const [key, iv] = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)];

test("decryptBlocks() undoes AES-128-CBC piece by piece, each with the end of the one before as IV", (t) => {
  const plaintext = seededBytes("blocks", 16 * 200);
  const ciphertext = createCipheriv("aes-128-cbc", key, iv).setAutoPadding(false).update(plaintext);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 199 }), (cut) => {
      const decrypted = [
        [0, cut],
        [cut, 200],
      ].map(([from = 0, to = 0]) => {
        const memory = new SharedArrayBuffer((to - from) * 16);
        new Uint8Array(memory).set(ciphertext.subarray(from * 16, to * 16));
        const pieceIv = from === 0 ? iv : ciphertext.subarray(from * 16 - 16, from * 16);
        decryptBlocks({ memory, lengthBytes: memory.byteLength, key, iv: pieceIv });
        return new Uint8Array(memory);
      });
      return Buffer.concat(decrypted).equals(plaintext);
    }),
  );
  t.pass();
});

test("decryptBlocks() refuses what is not in blocks", (t) => {
  const memory = new SharedArrayBuffer(32);
  t.throws(() => decryptBlocks({ memory, lengthBytes: 31, key, iv }), { instanceOf: RangeError });
});
