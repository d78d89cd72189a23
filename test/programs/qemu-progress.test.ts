import test from "ava";
import fc from "fast-check";
import { progressReader } from "../../programs/qemu-progress.ts";

const PROPERTY_RUNS = Number(process.env.PROPERTY_RUNS ?? 100);
const REAL = "    (0.00/100%)\r    (1.05/100%)\r    (33.33/100%)\r    (100.00/100%)\r    (100.00/100%)\r\n";

function fractionsOf(chunks: readonly Uint8Array[]): number[] {
  const fractions: number[] = [];
  const read = progressReader((fraction) => fractions.push(fraction));
  for (const chunk of chunks) read(chunk);
  return fractions;
}

test("progressReader() reads what qemu-img prints, byte by byte", (t) => {
  const fractions = fractionsOf([...Buffer.from(REAL)].map((byte) => Uint8Array.of(byte)));
  t.deepEqual(
    fractions.map((fraction) => fraction.toFixed(4)),
    ["0.0105", "0.3333", "1.0000"],
  );
});

test("progressReader() ends at the same fraction however the output is cut", (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 30 })), (lengths) => {
      const chunks: Buffer[] = [];
      let at = 0;
      for (const length of [...lengths, REAL.length])
        chunks.push(Buffer.from(REAL.slice(at, (at += length))));
      t.is(fractionsOf(chunks).at(-1), 1);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

test("progressReader() reports only rising fractions from 0 to 1, whatever it reads", (t) => {
  const likely = fc.constantFrom("(5/100%)", "(250/100%)", "(99.99/100%)", "(", "/100%)", "(-1/100%)", "\r");
  const chunk = fc.oneof(
    fc.uint8Array(),
    likely.map((text) => Uint8Array.from(Buffer.from(text))),
  );
  fc.assert(
    fc.property(fc.array(chunk), (chunks) => {
      const fractions = fractionsOf(chunks);
      t.true(fractions.every((fraction, index) => fraction > (fractions[index - 1] ?? 0) && fraction <= 1));
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
