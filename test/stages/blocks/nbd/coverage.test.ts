import test from "ava";
import fc from "fast-check";
import { coverage } from "../../../../stages/blocks/nbd/coverage.ts";

const PROPERTY_RUNS = Number(process.env.PROPERTY_RUNS ?? 200);

test("coverage() agrees with a list of bytes", (t) => {
  const bound = fc.integer({ min: -1, max: 21 });
  fc.assert(
    fc.property(fc.array(fc.tuple(bound, bound)), (pieces) => {
      const seen = Array.from({ length: 20 }, () => false);
      const covered = coverage(seen.length);
      for (const [start, end] of pieces) {
        const isNew = start >= 0 && end <= 20 && start < end && !seen.slice(start, end).includes(true);
        t.is(covered.add(start, end), isNew);
        if (isNew) seen.fill(true, start, end);
      }
      t.is(covered.isComplete, !seen.includes(false));
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

test("coverage() of nothing is complete, and refuses what is scattered without end", (t) => {
  t.true(coverage(0).isComplete);
  const scattered = coverage(10_000);
  let count = 0;
  while (scattered.add(2 * count, 2 * count + 1)) count++;
  t.is(count, 1024);
});
