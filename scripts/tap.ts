/** What a run of tests came to. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The line that ends every run and that continuous integration reads. */
export function formatCounts(counts: Counts): string {
  const skipped = counts.skipped === 0 ? "" : `, ${counts.skipped} skipped`;
  return `${counts.passed} passed, ${counts.failed} failed${skipped}`;
}

/** A reader of the Test Anything Protocol, line by line. */
export interface TapReader {
  /** Takes the next line, without its end, and answers what a person should see of it. */
  read(line: string): string | undefined;
  readonly counts: Counts;
  readonly failures: readonly string[];
  /** Whether the closing plan came: without it the runner died on the way. */
  readonly complete: boolean;
}

/**
 * Reads what `ava --tap` writes (TAP 13, https://testanything.org/tap-version-13-specification.html). Crashes of a
 * test file and time-outs come as `not ok` lines too, so they count as failures. `todo` counts as skipped.
 */
export function tapReader(): TapReader {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const failures: string[] = [];
  let complete = false;
  return {
    counts,
    failures,
    get complete() {
      return complete;
    },
    read(line) {
      if (/^TAP version \d+$/.test(line)) return undefined;
      if (/^1\.\.\d+$/.test(line)) complete = true;
      if (/^(1\.\.\d+|# (tests|pass|fail|skip|todo) \d+)?$/.test(line)) return undefined;
      const match = /^(not )?ok \d+(?: - (.*?))?(?: # (SKIP|TODO)\b.*)?$/.exec(line);
      if (match === null) return line;
      const [, not, title = "(no title)", mark] = match;
      if (mark !== undefined) {
        counts.skipped++;
        return `- ${title}`;
      }
      if (not === undefined) {
        counts.passed++;
        return `✔ ${title}`;
      }
      counts.failed++;
      failures.push(title);
      return `✘ ${title}`;
    },
  };
}
