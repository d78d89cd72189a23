import test from "ava";
import * as fc from "fast-check";
import { testIdentity } from "../../fixtures/keys.ts";
import { decryptPkcs1, decryptPkcs1ByHand, encryptPkcs1, stripPkcs1 } from "../../manifest/pkcs1.ts";
import { propertyRuns } from "../support/manifests.ts";
import { requires } from "../support/requires.ts";

const withKeys = requires("openssl");

for (const decrypt of [decryptPkcs1, decryptPkcs1ByHand]) {
  withKeys(`${decrypt.name}() gives back what encryptPkcs1() was given`, async (t) => {
    const { certificate, privateKey } = await testIdentity("user");
    for (const length of [0, 1, 32, 245]) {
      const plaintext = Buffer.alloc(length, "p");
      const ciphertext = encryptPkcs1(plaintext, certificate.publicKey);
      t.is(ciphertext.byteLength, 256);
      t.deepEqual(Buffer.from(decrypt(ciphertext, privateKey)!), plaintext);
    }
  });

  withKeys(`${decrypt.name}() never gives the plaintext with another key, and never throws`, async (t) => {
    const { certificate } = await testIdentity("user");
    const { privateKey } = await testIdentity("stranger");
    const plaintext = Buffer.alloc(32, "p");
    for (let tries = 0; tries < 20; tries++) {
      const found = decrypt(encryptPkcs1(plaintext, certificate.publicKey), privateKey);
      t.notDeepEqual(found && Buffer.from(found), plaintext);
    }
    for (const length of [0, 1, 255, 257])
      t.notThrows(() => decrypt(new Uint8Array(length).fill(1), privateKey));
    t.notThrows(() => decrypt(new Uint8Array(256).fill(255), privateKey));
  });
}

const block = (...bytes: readonly number[]): Uint8Array => Uint8Array.of(...bytes);
const FILLING = [1, 2, 3, 4, 5, 6, 7, 8];

test("stripPkcs1() takes the message behind at least eight bytes of filling", (t) => {
  t.deepEqual(stripPkcs1(block(0, 2, ...FILLING, 0, 9, 0, 9)), block(9, 0, 9));
  t.deepEqual(stripPkcs1(block(0, 2, ...FILLING, 1, 0)), block());
});

for (const [what, bytes] of Object.entries({
  nothing: block(),
  "a first byte other than 0": block(1, 2, ...FILLING, 0, 9),
  "a signature's block": block(0, 1, ...FILLING, 0, 9),
  "seven bytes of filling": block(0, 2, ...FILLING.slice(1), 0, 9),
  "no end of the filling": block(0, 2, ...FILLING, 9),
})) {
  test(`stripPkcs1() gives nothing for ${what}`, (t) => {
    t.is(stripPkcs1(bytes), undefined);
  });
}

test("stripPkcs1() inverts padding for every message and filling", (t) => {
  const filling = fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 8, maxLength: 60 });
  fc.assert(
    fc.property(filling, fc.uint8Array({ maxLength: 40 }), (filling, message) => {
      t.deepEqual([...stripPkcs1(block(0, 2, ...filling, 0, ...message))!], [...message]);
    }),
    { numRuns: propertyRuns(200) },
  );
});
