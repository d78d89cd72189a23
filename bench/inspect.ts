import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DUMMY_BAIT } from "../fixtures/hostile/attack.ts";
import { GOOD_IMAGES } from "../fixtures/hostile/good/index.ts";
import { ATTACKS } from "../fixtures/hostile/index.ts";
import { DEFAULT_LIMITS, silentLogger } from "../pipeline/context.ts";
import type { Context } from "../pipeline/contract.ts";
import { DISK_FORMATS, FORMAT_NAMES } from "../pipeline/disk-format.ts";
import { scratchFolder } from "../pipeline/scratch.ts";
import { fileBlocks } from "../stages/blocks/file.ts";
import { blocksView } from "../validators/container/image-view.ts";
import { inspectContainer } from "../validators/container/inspect-container.ts";
import { type BenchResult, median } from "./result.ts";
import { benchFolder, run } from "./subject.ts";

const RUNS = 9;
const MIB = 1024 ** 2;

/** Inspection of local files, from opening to the verdict: the slowest good image, and the slowest of the corpus. */
export async function benchInspect(): Promise<readonly BenchResult[]> {
  await using folder = await benchFolder();
  await using scratch = scratchFolder();
  const context: Context = {
    signal: new AbortController().signal,
    log: silentLogger,
    scratch,
    threads: {
      count: 1,
      hasSpare: false,
      run: (task) => Promise.reject(new TypeError(`No thread is wanted for "${task}"`)),
    },
    limits: DEFAULT_LIMITS,
    progress: () => undefined,
  };
  const [goodFolder, badFolder] = [join(folder.path, "good"), join(folder.path, "bad")];
  await mkdir(goodFolder);
  await mkdir(badFolder);
  const good = await goodFiles(goodFolder);
  const bad: string[] = [];
  for (const { id, make } of ATTACKS) {
    const path = join(badFolder, id);
    await writeFile(path, make(DUMMY_BAIT));
    bad.push(path);
  }
  const slowestGood = await slowest(good, context);
  const slowestBad = await slowest(bad, context);
  const shared = { name: "inspect", unit: "ms" } as const;
  return [
    {
      ...shared,
      title: `slowest of ${good.length} good images (${slowestGood.name})`,
      value: slowestGood.ms,
      target: { atMost: 20 },
      samples: slowestGood.samples,
    },
    {
      ...shared,
      title: `slowest of ${bad.length} attacks (${slowestBad.name})`,
      value: slowestBad.ms,
      target: { atMost: 50 },
      samples: slowestBad.samples,
    },
    {
      name: "inspect",
      unit: "MiB",
      title: "most read of a good image",
      value: slowestGood.mostReadBytes / MIB,
      target: { atMost: 1 },
      samples: {},
    },
  ];
}

/** Small ones with data, and large empty ones, whose tables are large. */
async function goodFiles(folder: string): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const { name, make } of GOOD_IMAGES) {
    const path = join(folder, name);
    await writeFile(path, make());
    paths.push(path);
  }
  for (const format of FORMAT_NAMES) {
    const path = join(folder, `1T-${format}`);
    await run("qemu-img", ["create", "-q", "-f", DISK_FORMATS[format].driver, path, "1T"]);
    paths.push(path);
  }
  return paths;
}

async function slowest(paths: readonly string[], context: Context) {
  const samples: Record<string, number[]> = {};
  let mostReadBytes = 0;
  for (let round = 0; round <= RUNS; round++) {
    for (const path of paths) {
      const startedAtMs = performance.now();
      await using blocks = await fileBlocks(path, context);
      const { readBytes } = await inspectContainer(await blocksView(blocks, context), {
        limits: DEFAULT_LIMITS,
      });
      const ms = performance.now() - startedAtMs;
      mostReadBytes = Math.max(mostReadBytes, readBytes);
      if (round > 0) (samples[path.slice(path.lastIndexOf("/") + 1)] ??= []).push(Math.round(ms * 100) / 100);
    }
  }
  const medians = Object.entries(samples).map(([name, all]) => ({ name, ms: median(all) }));
  const [worst] = medians.toSorted((a, b) => b.ms - a.ms);
  if (worst === undefined) throw new RangeError("There was nothing to inspect");
  return { ...worst, mostReadBytes, samples };
}
