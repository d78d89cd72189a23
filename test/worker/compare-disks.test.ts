import test from "ava";
import fc from "fast-check";
import { compareBytes } from "../../worker/compare-disks.ts";
import { chunked } from "../support/bytes.ts";

test("compareBytes() finds the first difference wherever it is and however both sides are cut", async (t) => {
  const chunkBytes = fc.integer({ min: 1, max: 9 });
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.nat(),
      chunkBytes,
      chunkBytes,
      async (bytes, at, a, b) => {
        const changed = Uint8Array.from(bytes);
        const index = at % bytes.length;
        changed[index] = bytes[index]! ^ 1;
        const same = await compareBytes(chunked(bytes, a), chunked(Uint8Array.from(bytes), b));
        t.deepEqual(same, { verdict: "identical", firstBytes: bytes.length, secondBytes: bytes.length });
        t.like(await compareBytes(chunked(bytes, a), chunked(changed, b)), {
          verdict: "different",
          firstDifferenceByte: index,
        });
      },
    ),
    { numRuns: Number(process.env.PROPERTY_RUNS ?? 200) },
  );
});

test("compareBytes() tells a longer disk whose rest is zero from one whose rest is not", async (t) => {
  const [short, long] = [Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0, 0)];
  const wanted = { verdict: "zero-tail", firstBytes: 2, secondBytes: 4 };
  t.deepEqual(await compareBytes(chunked(short, 1), chunked(long, 3)), wanted as never);
  t.like(await compareBytes(chunked(long, 3), chunked(short, 1)), { verdict: "zero-tail", firstBytes: 4 });
  long[3] = 9;
  t.like(await compareBytes(chunked(short, 1), chunked(long, 3)), {
    verdict: "different",
    firstDifferenceByte: 3,
  });
  t.like(await compareBytes(chunked(new Uint8Array(0)), chunked(new Uint8Array(0))), {
    verdict: "identical",
  });
});

test("compareBytes() closes both sides when it stops early", async (t) => {
  const closed: string[] = [];
  async function* endless(name: string, byte: number) {
    try {
      for (;;) yield Uint8Array.of(byte);
    } finally {
      closed.push(name);
    }
  }
  t.is((await compareBytes(endless("a", 1), endless("b", 2))).verdict, "different");
  t.deepEqual(closed.toSorted(), ["a", "b"]);
});
