import test from "ava";
import { isPowerOfTwo, padded, quoted, u64be, u64le } from "../../../validators/container/fields.ts";

test("u64be() and u64le() are exact to 2^53 and large beyond, never negative", (t) => {
  for (const value of [0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 63n, 2n ** 64n - 1n]) {
    const bytes = Buffer.alloc(9);
    bytes.writeBigUInt64BE(value, 1);
    t.is(u64be(bytes, 1), Number(value));
    bytes.writeBigUInt64LE(value, 1);
    t.is(u64le(bytes, 1), Number(value));
  }
});

test("padded() keeps what is there and adds zeroes up to the length", (t) => {
  t.deepEqual([...padded(Uint8Array.of(1, 2), 3)], [1, 2, 0]);
  t.deepEqual([...padded(Uint8Array.of(1, 2), 1)], [1, 2]);
});

test("quoted() shows text of an image in one harmless line", (t) => {
  t.is(quoted('a"b\n\u001b[2J\u202e'), '"a\\"b??[2J?"');
  t.is(quoted("x".repeat(500)).length, 102);
});

test("isPowerOfTwo() knows 1 and refuses 0, fractions and what is not a number", (t) => {
  for (const value of [1, 2, 65_536, 2 ** 40]) t.true(isPowerOfTwo(value), String(value));
  for (const value of [0, -2, 3, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
    t.false(isPowerOfTwo(value), String(value));
});
