import { createCipheriv, createHash } from "node:crypto";
import test from "ava";
import { seededBytes } from "../../../fixtures/seeded.ts";
import { openPart } from "../../../stages/threads/open-part.ts";

test("openPart() hashes the ciphertext, then decrypts it in place, leaving what is behind it alone", (t) => {
  const [key, iv] = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)];
  const plaintext = seededBytes("part", 300_000);
  const ciphertext = createCipheriv("aes-128-cbc", key, iv).setAutoPadding(false).update(plaintext);
  const memory = new SharedArrayBuffer(300_016);
  const view = new Uint8Array(memory).fill(7);
  view.set(ciphertext);
  const { sha1 } = openPart({ memory, lengthBytes: 300_000, key, iv });
  t.is(sha1, createHash("sha1").update(ciphertext).digest("hex"));
  t.true(plaintext.equals(view.subarray(0, 300_000)));
  t.true(view.subarray(300_000).every((byte) => byte === 7));
});
