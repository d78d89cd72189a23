import { execFileSync } from "node:child_process";
import test from "ava";
import fc from "fast-check";
import { ImportError } from "../../../pipeline/errors.ts";
import { bitReader } from "../../../stages/transforms/bit-reader.ts";
import { readBlock } from "../../../stages/transforms/bzip2-block.ts";
import { failure } from "../../support/errors.ts";

const packed = execFileSync("bzip2", ["-c"], { input: "banana" });

/** Stands behind the stream's header, the block's magic and its CRC. */
function atBlock(bytes: Uint8Array) {
  const bits = bitReader();
  bits.reset(bytes.subarray(14), 0);
  return bits;
}

test("readBlock() gives the last column of the sorted rotations, and where the text begins", (t) => {
  const sorted = new Uint32Array(900_000);
  const { lengthBytes, startAt } = readBlock(atBlock(packed), sorted);
  t.is(Buffer.from(sorted.subarray(0, lengthBytes)).toString(), "nnbaaa");
  t.is(startAt, 3);
});

test("readBlock() fails with DECOMPRESSION_FAILED when the block is larger than stated", async (t) => {
  t.is((await failure(() => readBlock(atBlock(packed), new Uint32Array(5)))).code, "DECOMPRESSION_FAILED");
});

test("readBlock() ends with a code for any bits", (t) => {
  fc.assert(
    fc.property(fc.nat(packed.byteLength - 15), fc.uint8Array({ maxLength: 300 }), (keep, noise) => {
      try {
        readBlock(atBlock(Buffer.concat([packed.subarray(0, 14 + keep), noise])), new Uint32Array(100_000));
      } catch (error) {
        return error instanceof ImportError && error.code === "DECOMPRESSION_FAILED";
      }
      return true;
    }),
    { numRuns: 200 },
  );
  t.pass();
});
