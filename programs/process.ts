import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import type { Context } from "../pipeline/contract.ts";
import { ImportError } from "../pipeline/errors.ts";
import { requireProgram } from "./find-program.ts";
import { programError, title } from "./program-error.ts";
import type { ProgramExit, ProgramSpec } from "./program-spec.ts";
import { confined } from "./sandbox.ts";

/** What is kept of stderr: the end, as the last lines say why a program gave up. */
const STDERR_TAIL_BYTES = 4096;

/** Enough for what qemu-img prints of one image; whoever expects more says so. */
export const DEFAULT_MAX_OUTPUT_BYTES = 1024 * 1024;

/** How long a program may take to clean up after TERM before it is killed; qemu flushes in well under a second. */
export const DEFAULT_GRACE_MS = 2000;

/** The longest time setTimeout can wait: 24 days. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** A program that goes on running beside us; disposing ends it and waits until it is gone. */
export interface RunningProgram extends AsyncDisposable {
  readonly pid: number;
  /** Resolves once it, and whatever it started, is gone; never rejects. */
  readonly exited: Promise<ProgramExit>;
}

export interface ProgramResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderrTail: string;
}

export interface RunOptions {
  /** Takes the output as it comes, instead of it being collected; must not throw. */
  readonly onOutput?: (chunk: Buffer) => void;
  /** More than that is PROGRAM_FAILED. Default {@link DEFAULT_MAX_OUTPUT_BYTES}. */
  readonly maxOutputBytes?: number;
  /** Statuses that are an answer and no failure. Default only 0. */
  readonly goodStatuses?: readonly number[];
}

/**
 * Starts a program without waiting for its end; its output is discarded. Ends it when `context.signal` is aborted, when
 * the wall clock runs out, or when it is disposed: TERM to its process group, then KILL.
 * Throws PROGRAM_MISSING, PROGRAM_FAILED when it cannot be started, and `signal.reason`.
 */
export async function startProgram(spec: ProgramSpec, context: Context): Promise<RunningProgram> {
  return (await launch(spec, context, "ignore")).running;
}

/**
 * Runs a program to its end. Throws PROGRAM_MISSING, PROGRAM_TIMED_OUT, PROGRAM_FAILED (with status or signal and the
 * end of stderr), DESTINATION_FULL when it found no room, SIZE_EXCEEDED when it wrote past its limit; and
 * `signal.reason` after an abort, once the program is gone.
 */
export async function runProgram(
  spec: ProgramSpec,
  context: Context,
  options: RunOptions = {},
): Promise<ProgramResult> {
  const { goodStatuses = [0] } = options;
  const { running, stdout } = await launch(spec, context, "pipe");
  await using program = running;
  const output = stdout === null ? "" : await collect(stdout, spec, options);
  const exit = await program.exited;
  if (exit.endedBy === "abort") context.signal.throwIfAborted();
  if (exit.endedBy === "itself" && exit.status !== undefined && goodStatuses.includes(exit.status)) {
    return { status: exit.status, stdout: output, stderrTail: exit.stderrTail };
  }
  throw programError(spec, exit);
}

interface Launched {
  readonly running: RunningProgram;
  readonly stdout: Readable | null;
}

async function launch(spec: ProgramSpec, context: Context, stdout: "pipe" | "ignore"): Promise<Launched> {
  const path = await requireProgram(spec, context);
  const { reads = [], writes = [], limits = {} } = spec;
  const command = await confined(path, spec.args, { limits, reads, writes }, context);
  context.signal.throwIfAborted();
  context.log.debug("start program", { program: spec.program, args: spec.args });
  const child = spawn(command.file, command.args, {
    cwd: spec.cwd ?? "/",
    env: command.env,
    stdio: ["ignore", stdout, "pipe"],
    detached: true, // a process group of its own, so that what it starts can be ended with it
  });
  const { pid } = child;
  if (pid === undefined) throw await startError(spec, child);
  return { running: supervise(child, pid, spec, context), stdout: child.stdout };
}

async function startError(spec: ProgramSpec, child: ChildProcess): Promise<ImportError> {
  const [cause] = await once(child, "error");
  return new ImportError("PROGRAM_FAILED", `Cannot start "${title(spec)}"`, {
    cause,
    remedy: "Look whether the program can be run by hand",
  });
}

function supervise(child: ChildProcess, pid: number, spec: ProgramSpec, context: Context): RunningProgram {
  const { signal } = context;
  let endedBy: ProgramExit["endedBy"] = "itself";
  let graceTimer: NodeJS.Timeout | undefined;
  const end = (reason: ProgramExit["endedBy"]): void => {
    if (endedBy !== "itself" || child.exitCode !== null || child.signalCode !== null) return;
    endedBy = reason;
    killGroup(pid, "SIGTERM");
    graceTimer = setTimeout(() => killGroup(pid, "SIGKILL"), spec.graceMs ?? DEFAULT_GRACE_MS);
  };
  const onAbort = (): void => end("abort");
  const clock = setTimeout(() => end("timeout"), Math.min(spec.timeoutMs, MAX_TIMEOUT_MS));
  signal.addEventListener("abort", onAbort, { once: true });

  const { stderr } = child;
  // A pipe that fails takes the words with it; how the program ended is told all the same.
  const said = stderr === null ? Promise.resolve("") : tail(stderr).catch(String);
  const exited = new Promise<ProgramExit>((resolve) => {
    // What it started and left behind holds its pipes open, so "close" would not come.
    child.once("exit", () => killGroup(pid, "SIGKILL"));
    child.once("close", (code: number | null, killedBy: NodeJS.Signals | null) => {
      clearTimeout(clock);
      clearTimeout(graceTimer);
      signal.removeEventListener("abort", onAbort);
      const [status, signalName] = [code ?? undefined, killedBy ?? undefined];
      void said.then((stderrTail) => resolve({ status, signal: signalName, endedBy, stderrTail }));
    });
  });
  return {
    pid,
    exited,
    async [Symbol.asyncDispose]() {
      end("stop");
      await exited;
    },
  };
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: all of the group has gone already, which is what was wanted
  }
}

async function collect(stdout: Readable, spec: ProgramSpec, options: RunOptions): Promise<string> {
  const { onOutput, maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES } = options;
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of stdout as AsyncIterable<Buffer>) {
    if (onOutput !== undefined) {
      onOutput(chunk);
      continue;
    }
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxOutputBytes) {
      throw new ImportError(
        "PROGRAM_FAILED",
        `Cannot use the output of "${title(spec)}" as it is longer than ${maxOutputBytes} bytes`,
        { remedy: "Look at the image with: diskferry inspect" },
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The end of what a program says, in one piece that can be printed: names inside an image may hold anything. */
async function tail(stderr: Readable): Promise<string> {
  let kept = Buffer.alloc(0);
  for await (const chunk of stderr as AsyncIterable<Buffer>) {
    kept = Buffer.concat([kept, chunk]);
    if (kept.byteLength > STDERR_TAIL_BYTES) kept = kept.subarray(-STDERR_TAIL_BYTES);
  }
  return kept
    .toString("utf8")
    .trim()
    .replaceAll(/\s*\n\s*/g, " / ")
    .replaceAll(/\p{C}/gu, "?");
}
