import test from "ava";
import fc from "fast-check";
import { dataRuns, isZero, ZERO_GRAIN_BYTES, zeroes } from "../../pipeline/zero.ts";

test("isZero() finds one byte anywhere, also past its own buffer of zeroes", (t) => {
  for (const lengthBytes of [1, 4095, 4096, 1024 * 1024, 1024 * 1024 + 1, 3 * 1024 * 1024]) {
    const bytes = new Uint8Array(lengthBytes);
    t.true(isZero(bytes));
    for (const at of [0, lengthBytes >> 1, lengthBytes - 1]) {
      bytes[at] = 1;
      t.false(isZero(bytes), `${at} of ${lengthBytes}`);
      bytes[at] = 0;
    }
  }
  t.true(isZero(new Uint8Array(0)));
});

test("zeroes() yields exactly as many bytes as asked, all zero", (t) => {
  for (const lengthBytes of [0, 1, 1024 * 1024, 2.5 * 1024 * 1024]) {
    let seenBytes = 0;
    for (const chunk of zeroes(lengthBytes)) {
      t.true(isZero(chunk));
      seenBytes += chunk.byteLength;
    }
    t.is(seenBytes, lengthBytes);
  }
});

test("dataRuns() covers every byte of data and no grain of zeroes, for any layout", (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 64 }),
      fc.integer({ min: 0, max: 4095 }),
      (grains, shortBytes) => {
        const bytes = Buffer.alloc(Math.max(0, grains.length * ZERO_GRAIN_BYTES - shortBytes));
        const wanted: [number, number][] = [];
        grains.forEach((isData, index) => {
          const start = index * ZERO_GRAIN_BYTES;
          const end = Math.min(start + ZERO_GRAIN_BYTES, bytes.byteLength);
          if (!isData || start >= end) return;
          bytes[end - 1] = 7;
          if (wanted.at(-1)?.[1] === start) wanted.at(-1)![1] = end;
          else wanted.push([start, end]);
        });
        t.deepEqual(dataRuns(bytes), wanted);
      },
    ),
    { numRuns: Number(process.env.PROPERTY_RUNS ?? 200) },
  );
});
