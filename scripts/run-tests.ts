import { runTool, treeEnvironment } from "./program.ts";
import { type Counts, tapReader } from "./tap.ts";
import { sharedS3 } from "./shared-s3.ts";

/**
 * Runs the test suite beside one real S3 server, shows what it does, and counts. A runner that dies, runs nothing, or
 * ends badly for any other reason counts as one failure, so that nothing is green by accident. `args` go to ava; without
 * any the whole suite runs, and its coverage counts.
 */
export async function runTests(args: readonly string[], signal: AbortSignal): Promise<Counts> {
  await using s3 = await sharedS3();
  const tap = tapReader();
  // A part of the suite covers a part of the code: the thresholds are for all of it.
  const coverage = args.length === 0 ? ["c8"] : [];
  const status = await runTool([...coverage, "ava", "--tap", ...args], {
    signal,
    env: { ...treeEnvironment(), ...s3.environment },
    onLine(line) {
      const shown = tap.read(line);
      if (shown !== undefined) console.log(shown);
    },
  });
  for (const title of tap.failures) console.log(`failed: ${title}`);
  const { passed, failed, skipped } = tap.counts;
  const reason = unsound(tap.complete, tap.counts, status);
  if (reason === undefined) return { passed, failed, skipped };
  console.log(`failed: ${reason}`);
  return { passed, failed: failed + 1, skipped };
}

/** Why a run without a failed test must not count as good, if so. */
export function unsound(complete: boolean, counts: Counts, status: number): string | undefined {
  if (!complete) return "ava ended before it had closed its report; run npx ava to see why";
  if (counts.failed > 0) return undefined;
  if (counts.passed === 0) return "no test ran; check the file names given";
  if (status !== 0) {
    return `c8 or ava ended with status ${status}; coverage below the thresholds of .c8rc.json is shown above`;
  }
  return undefined;
}
