import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

/** A folder for what benchmarks write, on the file system of temporary files. */
export async function benchFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "diskferry-bench-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Runs `diskferry` as a user does, in a process of its own; resolves to the peak of its memory in MiB, children apart. */
export async function diskferry(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<number> {
  await using folder = await benchFolder();
  const rss = join(folder.path, "rss");
  await run(
    process.execPath,
    ["--import", join(import.meta.dirname, "peak-rss.ts"), join(ROOT, "dist/cli/main.js"), ...args],
    { ...environment, DISKFERRY_BENCH_RSS: rss },
  );
  return Number(await readFile(rss, "utf8")) / 1024;
}

/** Runs a program to its end; what it prints is discarded, and failing is an error with what it said. */
export async function run(
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<void> {
  const child = spawn(program, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...environment },
  });
  const said: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
  const [status] = await once(child, "close");
  if (status === 0) return;
  const text = Buffer.concat(said).toString("utf8").slice(-2000);
  throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${text}`);
}
