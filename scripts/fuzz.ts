// npm run fuzz: damages good input of every parser, led by coverage: npm run fuzz -- [executions] [first seed]
import { ImportError } from "../pipeline/errors.ts";
import { coverage } from "./coverage.ts";
import { type FuzzTarget, fuzzTargets } from "./fuzz-targets.ts";
import { damage } from "../fixtures/hostile/mutations.ts";
import { ROOT } from "./program.ts";

const DEFAULT_EXECUTIONS = 1_000_000;
/** Asking for coverage takes about a millisecond: once for so many inputs, one of which then ran the new code. */
const BATCH_SIZE = 32;
/** Slower than this for an input of a few MiB is a finding of its own. */
const MAX_MS = 2000;

/** An input: what is damaged, and by which seeds one after the other. */
interface Recipe {
  readonly base: number;
  readonly seeds: readonly number[];
}

const [executions = DEFAULT_EXECUTIONS, firstSeed = 1] = process.argv.slice(2).map(Number);
const targets = Object.entries(await fuzzTargets());
using covered = coverage(ROOT);
let [failedCount, totalCount] = [0, 0];
for (const [name, target] of targets) {
  const startedAtMs = performance.now();
  const count = Math.ceil(executions * target.share);
  const { batchCount, failures } = await fuzz(target, count);
  totalCount += count;
  failedCount += failures.length;
  const seconds = (performance.now() - startedAtMs) / 1000;
  console.log(
    `${failures.length === 0 ? "✓" : "✗"} ${name.padEnd(18)} ${count} executions in ${seconds.toFixed(0)} s, new code ${batchCount} times, ${covered.blockCount()} blocks`,
  );
  for (const failure of failures) console.log(`  ${failure}`);
}
console.log(`\n${totalCount} executions, ${failedCount} crashes`);
process.exitCode = failedCount === 0 ? 0 : 1;

async function fuzz(target: FuzzTarget, count: number) {
  // Inputs that ran something new are damaged further; the undamaged ones are the first.
  const pool: Recipe[] = target.bases.map((_, base) => ({ base, seeds: [] }));
  const failures: string[] = [];
  let [seed, batchCount] = [firstSeed, 0];
  for (let done = 0; done < count && failures.length < 10;) {
    const batch: Recipe[] = [];
    for (; batch.length < BATCH_SIZE && done < count; done++, seed++) {
      const parent = pool[(seed * 2_654_435_761) % pool.length];
      if (parent !== undefined) batch.push({ base: parent.base, seeds: [...parent.seeds, seed] });
    }
    for (const recipe of batch) {
      const failure = await execute(target, recipe);
      if (failure !== undefined) failures.push(`${JSON.stringify(recipe)}: ${failure}`);
    }
    if (covered.ranNew()) {
      pool.push(...batch);
      batchCount++;
    }
  }
  return { batchCount, failures };
}

/** Runs one input; what is wrong with what happened, or undefined. */
async function execute({ bases, run }: FuzzTarget, { base, seeds }: Recipe): Promise<string | undefined> {
  const whole = bases[base] ?? Buffer.alloc(0);
  const undos: (() => void)[] = [];
  let input = whole;
  for (const seed of seeds) {
    const damaged = damage(input, seed);
    input = damaged.image;
    undos.push(damaged.undo);
  }
  const startedAtMs = performance.now();
  try {
    await run(input);
  } catch (error) {
    if (!(error instanceof ImportError))
      return error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (error.code === "INTERNAL") return error.message;
  } finally {
    for (const undo of undos.toReversed()) undo();
  }
  const ms = performance.now() - startedAtMs;
  return ms > MAX_MS ? `took ${ms.toFixed(0)} ms` : undefined;
}
