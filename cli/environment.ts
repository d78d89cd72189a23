import type { Readable, Writable } from "node:stream";

/** What the program has of the world around it; `main.ts` makes it from the process, tests make their own. */
export interface CliEnvironment {
  readonly input: Readable;
  readonly output: TerminalOutput;
  readonly errors: TerminalOutput;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Aborted with an `Interrupted` when the program is told to stop. */
  readonly signal: AbortSignal;
  /** Of the package. */
  readonly version: string;
}

/** A stream that may be a terminal. */
export interface TerminalOutput {
  readonly stream: Writable;
  readonly isTerminal: boolean;
  /** Characters a line; asked anew each time, as windows change. */
  columns(): number;
}
