import test from "ava";
import fc from "fast-check";
import { seededBytes } from "../../fixtures/seeded.ts";
import { withoutPadding } from "../../stages/cbc-padding.ts";
import { chunked, collect } from "../support/bytes.ts";
import { failure } from "../support/errors.ts";

function padded(content: Uint8Array): Buffer {
  const paddingBytes = 16 - (content.byteLength % 16);
  return Buffer.concat([content, Buffer.alloc(paddingBytes, paddingBytes)]);
}

test("withoutPadding() takes 1 to 16 bytes off, however the stream is cut", async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 1, max: 40 }),
      async (length, chunkBytes) => {
        const content = seededBytes("padding", length);
        return (await collect(withoutPadding(chunked(padded(content), chunkBytes), "x"))).equals(content);
      },
    ),
  );
  t.pass();
});

for (const [what, end] of [
  ["0", 0],
  ["17", 17],
  ["255", 255],
] as const) {
  test(`withoutPadding() fails with DECRYPTION_FAILED when the last byte says ${what}`, async (t) => {
    const bytes = Buffer.alloc(48, 16);
    bytes[47] = end;
    t.is((await failure(() => collect(withoutPadding(chunked(bytes), "x")))).code, "DECRYPTION_FAILED");
  });
}

test("withoutPadding() fails with DECRYPTION_FAILED when a byte of the padding differs, or blocks are not whole", async (t) => {
  const bytes = padded(Buffer.alloc(20));
  bytes[25] = 1;
  t.is((await failure(() => collect(withoutPadding(chunked(bytes), "x")))).code, "DECRYPTION_FAILED");
  for (const length of [0, 1, 15, 17]) {
    const error = await failure(() => collect(withoutPadding(chunked(Buffer.alloc(length, 1)), "x")));
    t.is(error.code, "DECRYPTION_FAILED", String(length));
  }
});
