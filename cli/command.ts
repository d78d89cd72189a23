import type { Command } from "commander";
import type { Access } from "../worker/access.ts";
import type { RunContext, RunOptions } from "../worker/run-context.ts";
import type { CliEnvironment } from "./environment.ts";
import type { OutputMode, Output, Outcome } from "./output.ts";

/** A command: `Flags` is what commander reads, `Options` what the command works with. */
export interface CommandSpec<Flags, Options> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly examples: readonly Example[];
  /** Adds arguments and options. */
  declare(command: Command): void;
  /** Flags and arguments to typed options; may read key files. Throws ARGUMENT_INVALID, KEY_INVALID. */
  parse(args: readonly string[], flags: Flags, environment: CliEnvironment): Promise<Options> | Options;
  run(options: Options, session: Session): Promise<Outcome>;
}

/** Any command: method parameters are compared both ways, so each fits with its own flags and options. */
export type AnyCommand = CommandSpec<unknown, unknown>;

export interface Example {
  /** What follows `diskferry`. */
  readonly line: string;
  readonly does: string;
}

/** What a running command is given. */
export interface Session {
  readonly environment: CliEnvironment;
  readonly output: Output;
  readonly mode: OutputMode;
  /** Gives `work` threads, scratch and progress, and takes them away in every ending. */
  run<T>(options: RunSettings, work: (context: RunContext) => Promise<T>): Promise<T>;
}

/** What the run flags decide. */
export type RunSettings = Pick<RunOptions, "scratch" | "limits">;

/** What most commands that read images work with. */
export interface WithAccess {
  readonly access: Access;
  readonly settings: RunSettings;
}
