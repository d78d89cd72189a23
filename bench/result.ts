/** How a value is printed, by its unit. */
const SHOWN = {
  ratio: (value: number) => `${value.toFixed(2)}×`,
  MiB: (value: number) => `${value < 10 ? value.toFixed(2) : Math.round(value)} MiB`,
  ms: (value: number) => `${value.toFixed(1)} ms`,
} as const;

/** One figure of a benchmark: a ratio against an alternative measured in the same run, or a size. */
export interface BenchResult {
  /** What `npm run bench -- NAME` selects. */
  readonly name: string;
  /** What was compared, in words. */
  readonly title: string;
  readonly value: number;
  /** `ratio`: time of the alternative by ours, so more is better, unless the title says otherwise. */
  readonly unit: keyof typeof SHOWN;
  /** What the project promises; absent for figures that are only for information. */
  readonly target?: { readonly atLeast: number } | { readonly atMost: number };
  /** All measurements behind the value, by what was measured: milliseconds, or MiB. */
  readonly samples: Readonly<Record<string, readonly number[]>>;
}

/** Measures some figures; the image and the server it may use are made once for all. */
export type Bench = () => Promise<readonly BenchResult[]>;

export function isMet({ value, target }: BenchResult): boolean | undefined {
  if (target === undefined) return undefined;
  return "atLeast" in target ? value >= target.atLeast : value <= target.atMost;
}

export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1];
  const high = sorted[Math.floor(middle)];
  if (low === undefined || high === undefined) throw new RangeError("There is no median of nothing");
  return (low + high) / 2;
}

/**
 * Times each of `tasks` `runCount` times, in turn, so that a machine that slows down slows all of them; one run of each
 * goes first and is not counted. Resolves to milliseconds by name.
 */
export async function inTurn<N extends string>(
  tasks: Readonly<Record<N, () => Promise<unknown>>>,
  runCount: number,
): Promise<Record<N, number[]>> {
  const names = Object.keys(tasks) as N[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<N, number[]>;
  for (let run = 0; run <= runCount; run++) {
    for (const name of names) {
      const startedAtMs = performance.now();
      await tasks[name]();
      if (run > 0) samples[name].push(Math.round(performance.now() - startedAtMs));
    }
  }
  return samples;
}

export function resultTable(results: readonly BenchResult[]): string {
  const rows = results.map((result) => {
    const { name, title, value, unit, target } = result;
    const met = isMet(result);
    const wanted =
      target === undefined ? "" : "atLeast" in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`;
    const shown = SHOWN[unit](value);
    return [met === undefined ? " " : met ? "✓" : "✗", name, shown, wanted, title];
  });
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
