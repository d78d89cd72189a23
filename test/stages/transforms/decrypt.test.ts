import { execFileSync } from "node:child_process";
import test from "ava";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { threadPool } from "../../../stages/threads/pool.ts";
import { decrypt } from "../../../stages/transforms/decrypt.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { transformContract } from "./contract.ts";

const key = Buffer.alloc(16, 7);
const iv = Buffer.alloc(16, 9);
const MIB = 1024 * 1024;
const threads = threadPool({ threadCount: 1 });
test.after.always(() => threads[Symbol.asyncDispose]());

const encrypted = (input: Uint8Array): Buffer =>
  execFileSync("openssl", ["enc", "-aes-128-cbc", "-K", key.toString("hex"), "-iv", iv.toString("hex")], {
    input,
    maxBuffer: 2 ** 30,
  });
const content = seededDisk("decrypt", { sizeBytes: 200_000 });

transformContract(test, {
  symbol: "decrypt()",
  stage: () => decrypt({ key, iv }),
  input: async () => encrypted(content),
  output: async () => content,
  whenEmpty: { code: "DECRYPTION_FAILED" },
  pullsAhead: 32,
  threads,
});

const run = (input: Uint8Array, options = { key, iv }): Promise<Buffer> =>
  collect(decrypt(options).transform(chunked(input), testContext({ threads })));

for (const sizeBytes of [0, 1, 15, 16, MIB - 17, MIB - 16, MIB - 1, MIB, MIB + 1, 5 * MIB + 3]) {
  test(`decrypt() undoes openssl for ${sizeBytes} bytes`, async (t) => {
    const plaintext = seededDisk("sizes", { sizeBytes });
    t.true((await run(encrypted(plaintext))).equals(plaintext));
  });
}

test("decrypt() fails with DECRYPTION_FAILED for a wrong key and for a cut input", async (t) => {
  const input = encrypted(content);
  t.is((await failure(() => run(input, { key: iv, iv }))).code, "DECRYPTION_FAILED");
  for (const end of [1, 15, input.byteLength - 1]) {
    t.is((await failure(() => run(input.subarray(0, end)))).code, "DECRYPTION_FAILED", String(end));
  }
});

test("decrypt() refuses keys of another length", (t) => {
  t.throws(() => decrypt({ key: Buffer.alloc(32), iv }), { instanceOf: RangeError });
  t.throws(() => decrypt({ key, iv: Buffer.alloc(8) }), { instanceOf: RangeError });
});
