#!/usr/bin/env node
import { setMaxListeners } from "node:events";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { WriteStream } from "node:tty";
import { setFlagsFromString } from "node:v8";
import { provideDisposableStacks } from "../pipeline/disposable-stacks.ts";
import { COMMANDS } from "./commands/index.ts";
import type { CliEnvironment, TerminalOutput } from "./environment.ts";
import { Interrupted, STOP_SIGNALS } from "./interrupted.ts";
import { runCli } from "./program.ts";
import { abandon, standardStream } from "./standard-streams.ts";

/** Of output that is no terminal, or one without a size. */
const DEFAULT_COLUMNS = 100;

provideDisposableStacks(globalThis);

// V8 answers every few megabytes of new buffers by marking its whole heap step by step, although young collections give
// them back (stages/young-garbage.ts): a bundle of 4 GiB caused 314 full collections, which took two fifths of all
// processor time. Without it there were 3, and the peak of memory was the same.
setFlagsFromString("--no-incremental-marking");

const stop = new AbortController();

/** Reads and requests in flight all listen to the one signal, and their number is bounded. Node 22 would warn at eleven. */
const MAX_LISTENERS = 256;
setMaxListeners(MAX_LISTENERS, stop.signal);

/** The first signal stops the work; later ones change nothing, so that cleaning up is not cut short. */
function onSignal(signal: NodeJS.Signals): void {
  const known = STOP_SIGNALS.find((name) => name === signal);
  if (known !== undefined && !stop.signal.aborted) stop.abort(new Interrupted(known));
}

function terminalOutput(fd: 1 | 2): TerminalOutput {
  const stream = standardStream(fd);
  // A reader such as `head` may leave early. Without a listener that would end the program in the middle of its work.
  stream.on("error", () => undefined);
  if (!(stream instanceof WriteStream)) return { stream, isTerminal: false, columns: () => DEFAULT_COLUMNS };
  // A terminal that nobody has given a size, such as that of a job, says 0.
  return { stream, isTerminal: stream.isTTY, columns: () => stream.columns || DEFAULT_COLUMNS };
}

async function packageVersion(): Promise<string> {
  // The published package has this file compiled, one folder further down.
  const path = extname(import.meta.url) === ".ts" ? "../package.json" : "../../package.json";
  const { version } = JSON.parse(await readFile(new URL(path, import.meta.url), "utf8"));
  return String(version);
}

for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
const environment: CliEnvironment = {
  // Opening it is put off: a program that never reads its standard input must not wait for it.
  get input() {
    return process.stdin;
  },
  output: terminalOutput(1),
  errors: terminalOutput(2),
  variables: process.env,
  signal: stop.signal,
  version: await packageVersion(),
};
process.exitCode = await runCli(process.argv.slice(2), environment, COMMANDS);
if (stop.signal.aborted) await abandon(environment.output.stream, environment.errors.stream);
for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
