import { open, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { convertDisk } from "../converters/index.ts";
import { DEFAULT_LIMITS, silentLogger } from "../pipeline/context.ts";
import type { Context } from "../pipeline/contract.ts";
import type { DiskFormat, TargetFormat } from "../pipeline/disk-format.ts";
import { scratchFolder } from "../pipeline/scratch.ts";
import { QEMU_IMG, qemuImg } from "../programs/qemu-img.ts";
import { runProgram } from "../programs/process.ts";
import { threadPool } from "../stages/threads/pool.ts";
import { CACHE_FOLDER } from "../fixtures/cache.ts";
import { systemImage } from "../fixtures/system-image.ts";
import { type BenchResult, inTurn, median } from "./result.ts";

const GIB = 1024 ** 3;
/** Of the compressing cases, whose time goes into zlib and grows with nothing but the size. */
const SMALL_DISK_BYTES = GIB;
const DISK_BYTES = 4 * GIB;
const AT_MOST_5_PERCENT_SLOWER = { atLeast: 1 / 1.05 } as const;
const DAY_MS = 24 * 60 * 60_000;

interface Case {
  readonly title: string;
  readonly from: DiskFormat;
  readonly to: TargetFormat;
  /** What one would type for the same, beside `-f` and `-O`. */
  readonly bareFlags: readonly string[];
  readonly driver: string;
  readonly diskBytes: number;
  readonly runs: number;
}

const CASES: readonly Case[] = [
  {
    title: "raw → qcow2",
    from: "raw",
    to: { format: "qcow2" },
    bareFlags: [],
    driver: "qcow2",
    diskBytes: DISK_BYTES,
    runs: 5,
  },
  {
    title: "qcow2 → raw",
    from: "qcow2",
    to: { format: "raw" },
    bareFlags: [],
    driver: "raw",
    diskBytes: DISK_BYTES,
    runs: 5,
  },
  {
    title: "raw → qcow2, zlib",
    from: "raw",
    to: { format: "qcow2", compression: "zlib" },
    bareFlags: ["-c"],
    driver: "qcow2",
    diskBytes: SMALL_DISK_BYTES,
    runs: 3,
  },
  {
    title: "raw → VMDK, stream-optimized",
    from: "raw",
    to: { format: "vmdk", subformat: "streamOptimized" },
    bareFlags: ["-o", "subformat=streamOptimized"],
    driver: "vmdk",
    diskBytes: SMALL_DISK_BYTES,
    runs: 3,
  },
];

/**
 * File → file conversion of a half-empty disk with real content, every result made durable: ours, which hashes source
 * and result and checks the tables, against the bare qemu-img, and against qemu-img proving as much as it can
 * (`convert`, `check`, `compare`). The bare one is also given without fsync.
 */
export async function benchConvert(): Promise<readonly BenchResult[]> {
  const { signal } = new AbortController();
  await using scratch = scratchFolder();
  await using threads = threadPool();
  const context: Context = {
    signal,
    log: silentLogger,
    scratch,
    threads,
    limits: DEFAULT_LIMITS,
    progress: () => undefined,
  };
  const folder = await mkdtemp(join(CACHE_FOLDER, "bench-convert-"));
  try {
    const results: BenchResult[] = [];
    for (const one of CASES) {
      const { diskBytes } = one;
      const raw = await systemImage({ sizeBytes: diskBytes, contentBytes: diskBytes / 2, signal });
      const source = one.from === "raw" ? raw : join(folder, "source");
      if (source !== raw) await bare(["-f", "raw", "-O", one.from, raw, source], context);
      results.push(...(await benchCase(one, source, join(folder, "result"), context)));
    }
    return results;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function benchCase(
  one: Case,
  source: string,
  result: string,
  context: Context,
): Promise<BenchResult[]> {
  const from = { path: source, format: one.from };
  const to = { path: result, format: one.to.format };
  const convertBare = async (): Promise<void> => {
    await rm(result, { force: true });
    await bare(["-f", one.from, "-O", one.driver, ...one.bareFlags, source, result], context);
  };
  const samples = await inTurn(
    {
      async ours() {
        await rm(result, { force: true });
        await convertDisk({ from, to: { path: result, ...one.to } }, context);
        await makeDurable(result);
      },
      async bare() {
        await convertBare();
        await makeDurable(result);
      },
      bareNotDurable: convertBare,
      async bareProven() {
        await convertBare();
        if (one.to.format !== "raw") await qemuImg.check(to, context);
        if (!(await qemuImg.compare(from, to, context)))
          throw new Error("qemu-img compare finds a difference");
        await makeDurable(result);
      },
    },
    one.runs,
  );
  const against = (
    name: keyof typeof samples,
    title: string,
    target?: BenchResult["target"],
  ): BenchResult => ({
    name: "convert",
    title: `${one.title}: ${title}`,
    value: median(samples[name]) / median(samples.ours),
    unit: "ratio",
    ...(target === undefined ? {} : { target }),
    samples: { ours: samples.ours, [name]: samples[name] },
  });
  return [
    against(
      "bareProven",
      "time of qemu-img convert, check, compare and fsync by ours",
      AT_MOST_5_PERCENT_SLOWER,
    ),
    against("bare", "time of qemu-img convert and fsync, which proves nothing, by ours"),
    against("bareNotDurable", "time of qemu-img convert alone by ours"),
  ];
}

async function bare(args: readonly string[], context: Context): Promise<void> {
  await runProgram({ ...QEMU_IMG, args: ["convert", ...args], timeoutMs: DAY_MS }, context);
}

async function makeDurable(path: string): Promise<void> {
  await using file = await open(path, "r");
  await file.sync();
}
