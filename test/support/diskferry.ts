import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";

const MAIN = join(import.meta.dirname, "..", "..", "cli", "main.ts");

/** The program as a user starts it, while it runs. */
export interface RunningDiskferry {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Resolves when what is on standard error matches; rejects when the program ends before. */
  readonly printed: (pattern: RegExp) => Promise<void>;
  /** Resolves when it has ended. */
  readonly ended: Promise<{
    readonly status: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
}

/** Starts the real program in `cwd`, with nothing of this process's environment but PATH. */
export function startDiskferry(args: readonly string[], cwd: string): RunningDiskferry {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env: { PATH: process.env.PATH, TMPDIR: cwd },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => undefined); // a program that ends early does not read all of its input
  let stderr = "";
  const stderrText = async () => {
    for await (const chunk of child.stderr) {
      stderr += String(chunk);
      child.emit("printed");
    }
    return stderr;
  };
  const collected = Promise.all([once(child, "close"), untilClosed(child.stdout), stderrText()]);
  const ended = (async () => {
    const [[status, signal], stdout, errors] = await collected;
    return { status, signal, stdout, stderr: errors };
  })();
  return {
    child,
    ended,
    async printed(pattern) {
      while (!pattern.test(stderr)) {
        const news = once(child, "printed");
        const end = ended.then(() => "ended" as const);
        if ((await Promise.race([news, end])) === "ended" && !pattern.test(stderr)) {
          throw new Error(`Ended without ${String(pattern)}: ${stderr}`);
        }
      }
    },
  };
}

/** Empty for a test that goes away while it reads. */
async function untilClosed(stream: Readable): Promise<string> {
  return text(stream).catch(() => "");
}

/** Runs it to its end, with `input` as standard input. */
export async function runDiskferry(
  args: readonly string[],
  cwd: string,
  input: Uint8Array | string = "",
): Promise<Awaited<RunningDiskferry["ended"]>> {
  const { child, ended } = startDiskferry(args, cwd);
  child.stdin.end(input);
  return ended;
}
