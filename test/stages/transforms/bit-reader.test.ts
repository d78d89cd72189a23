import test from "ava";
import fc from "fast-check";
import { bitReader } from "../../../stages/transforms/bit-reader.ts";

test("bitReader() reads the bits of a buffer in order, most significant first, from any bit on", (t) => {
  const steps = fc.array(fc.integer({ min: 1, max: 24 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), steps, fc.nat(7), (buffer, steps, start) => {
      const text = [...buffer].map((byte) => byte.toString(2).padStart(8, "0")).join("") + "0".repeat(1000);
      const bits = bitReader();
      bits.reset(buffer, start);
      let at = start;
      for (const count of steps) {
        const wanted = Number.parseInt(text.slice(at, at + count), 2);
        if (bits.peek(count) !== wanted || bits.read(count) !== wanted) return false;
        at += count;
        if (bits.position.bytes !== at >> 3 || bits.position.bits !== at % 8) return false;
        if (bits.usedBytes !== Math.ceil(at / 8)) return false;
      }
      return true;
    }),
  );
  t.pass();
});

test("bitReader() aligns to the next whole byte, and stays where it is on one", (t) => {
  const bits = bitReader();
  bits.reset(Uint8Array.of(0xff, 0x12, 0x34), 0);
  bits.read(3);
  bits.align();
  t.is(bits.read(8), 0x12);
  bits.align();
  t.is(bits.read(8), 0x34);
});
