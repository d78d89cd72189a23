import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { delimiter, join } from "node:path";

/** The top folder of the repository. */
export const ROOT = join(import.meta.dirname, "..");

/** The environment in which the tree's own Node and tools are found first. */
export function treeEnvironment(): NodeJS.ProcessEnv {
  const binaries = join(ROOT, "node_modules", ".bin");
  return { ...process.env, PATH: `${binaries}${delimiter}${process.env.PATH ?? ""}` };
}

export interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Gets each line of standard output instead of the terminal. */
  readonly onLine?: (line: string) => void;
}

/**
 * Runs a development tool in the repository and answers its exit status. When the signal is aborted the tool gets
 * TERM and is waited for, so that it can end what it started itself.
 */
export async function runTool(command: readonly string[], options: ProgramOptions): Promise<number> {
  const [program = "", ...args] = command;
  const { onLine, signal, env = treeEnvironment() } = options;
  signal.throwIfAborted();
  const child = spawn(program, args, {
    cwd: ROOT,
    env,
    stdio: ["ignore", onLine === undefined ? "inherit" : "pipe", "inherit"],
  });
  const end = () => void child.kill("SIGTERM");
  signal.addEventListener("abort", end, { once: true });
  try {
    const ended = exitStatus(child);
    if (onLine !== undefined && child.stdout !== null) await readLines(child.stdout, onLine);
    return await ended;
  } finally {
    signal.removeEventListener("abort", end);
  }
}

async function exitStatus(child: ChildProcess): Promise<number> {
  const [status] = await once(child, "close");
  return typeof status === "number" ? status : 1;
}

async function readLines(output: NodeJS.ReadableStream, onLine: (line: string) => void): Promise<void> {
  let rest = "";
  output.setEncoding("utf8");
  for await (const text of output) {
    const lines = (rest + String(text)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  }
  if (rest !== "") onLine(rest);
}

/** Aborted by Ctrl-C, TERM or a closed terminal. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(name, () => controller.abort(new Error(`Ended by ${name}`)));
  }
  return controller.signal;
}
