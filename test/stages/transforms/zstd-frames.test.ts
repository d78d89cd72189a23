import { execFileSync } from "node:child_process";
import test from "ava";
import fc from "fast-check";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { beginsFrame, zstdFrame } from "../../../stages/transforms/zstd-frames.ts";

const content = seededDisk("frames", { sizeBytes: 600_000 });
const frames = {
  "with checksum": execFileSync("zstd", ["-c", "--check"], { input: content }),
  "without checksum": execFileSync("zstd", ["-c", "--no-check"], { input: content }),
  "with a long window": execFileSync("zstd", ["-c", "--long=27"], { input: content }),
  empty: execFileSync("zstd", ["-c"], { input: "" }),
  "of zeros": execFileSync("zstd", ["-c"], { input: Buffer.alloc(600_000) }),
  skippable: Buffer.concat([Buffer.of(0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0), Buffer.from("abc")]),
  "skippable and empty": Buffer.of(0x5f, 0x2a, 0x4d, 0x18, 0, 0, 0, 0),
};

for (const [what, bytes] of Object.entries(frames)) {
  test(`zstdFrame() finds the end of a frame ${what}, however it is cut`, (t) => {
    t.true(beginsFrame(bytes.subarray(0, 4)));
    const whole = Buffer.concat([bytes, Buffer.from("what follows")]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: whole.byteLength }), (chunkBytes) => {
        const frame = zstdFrame();
        let usedBytes = 0;
        for (let at = 0; at < whole.byteLength && !frame.ended; at += chunkBytes) {
          usedBytes += frame.advance(whole.subarray(at, at + chunkBytes));
        }
        return frame.ended && frame.fault === undefined && usedBytes === bytes.byteLength;
      }),
    );
  });
}

test("zstdFrame() tells windows of more than 128 MiB and reserved block types", (t) => {
  const head = Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0);
  const fault = (...bytes: readonly number[]) => {
    const frame = zstdFrame();
    frame.advance(Buffer.concat([head, Buffer.from(bytes)]));
    return frame.fault;
  };
  t.is(fault(17 << 3, 1, 0, 0), undefined);
  t.is(fault((17 << 3) + 1, 1, 0, 0), "window too large");
  t.is(fault(0, 7, 0, 0), "reserved block type");
});

test("beginsFrame() takes no other beginning, and nothing shorter", (t) => {
  for (const bytes of ["", "abc", "abcd", "\x28\xb5\x2f", "\x60\x2a\x4d\x18"]) {
    t.false(beginsFrame(Buffer.from(bytes, "latin1")), JSON.stringify(bytes));
  }
});
