import test from "ava";
import { damage } from "../../fixtures/hostile/mutations.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { fuzzTargets } from "../../scripts/fuzz-targets.ts";

const SEEDS = Number(process.env.PROPERTY_RUNS ?? 300);

test("every fuzz target has something to damage, and the shares make one", async (t) => {
  const targets = Object.values(await fuzzTargets());
  t.true(Math.abs(targets.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9);
  t.true(targets.every(({ bases }) => bases.length > 0));
});

test("every fuzz target answers damaged input with ImportError or not at all", async (t) => {
  for (const [name, { bases, run }] of Object.entries(await fuzzTargets())) {
    for (let seed = 0; seed < SEEDS; seed++) {
      const { image, undo } = damage(bases[seed % bases.length]!, seed);
      const error = await run(image).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      undo();
      t.true(error === undefined || error instanceof ImportError, `${name}, seed ${seed}: ${String(error)}`);
    }
  }
});
