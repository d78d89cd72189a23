import type { Logger, ProgressEvent } from "../pipeline/contract.ts";
import { formatBytes, formatDuration } from "../pipeline/units.ts";
import type { CliEnvironment } from "./environment.ts";
import { type ProgressStyle, progressDisplay } from "./progress/display.ts";
import { causeChain, describeFailure, failureText } from "./render-error.ts";
import type { ExitStatus } from "./exit-status.ts";

/** How a run talks. */
export interface OutputMode {
  /** The result, or the error, is one JSON document on standard output. */
  readonly json: boolean;
  /** Nothing but the result that was asked for, and errors. */
  readonly quiet: boolean;
  /** Every step, every retry, and where an error came from. */
  readonly trace: boolean;
  /** Default: live on a terminal, lines elsewhere. */
  readonly progress?: ProgressStyle;
}

/** What a command answers. */
export interface Outcome {
  /** For `--json`; whatever `JSON.stringify` can show. */
  readonly value: unknown;
  /** For people, lines without a newline at the end; may be empty. */
  readonly text: string;
  /** Default 0. */
  readonly exitStatus?: ExitStatus;
}

/** The one writer to standard output and standard error. */
export interface Output extends Disposable {
  readonly log: Logger;
  progress(event: ProgressEvent): void;
  /** From now on standard output carries the data itself: everything else goes to standard error. */
  leaveOutputToData(): void;
  /** A remark for people on standard error, silent with `--quiet`. */
  remark(text: string): void;
  /** Prints what the command answers; the progress display has ended then. */
  outcome(outcome: Outcome): ExitStatus;
  failure(error: unknown): ExitStatus;
}

export function output(environment: CliEnvironment, mode: OutputMode): Output {
  const { output: out, errors } = environment;
  let outputIsData = false;
  const display = mode.quiet ? undefined : progressDisplay(errors, mode.progress);

  function errorLine(text: string): void {
    display?.clear();
    errors.stream.write(`${text}\n`);
  }

  function answer(text: string): void {
    (outputIsData ? errors : out).stream.write(`${text}\n`);
  }

  return {
    log: {
      debug(message, fields) {
        if (mode.trace) errorLine(`debug: ${message}${fieldText(fields)}`);
      },
      warn(message, fields) {
        if (!mode.quiet) errorLine(`warning: ${message}${fieldText(fields)}`);
      },
    },
    progress(event) {
      if (mode.trace) traceEvent(event, errorLine);
      else if (event.kind === "note" && mode.progress !== "json" && !mode.quiet)
        errorLine(`note: ${event.text}`);
      display?.report(event);
    },
    remark(text) {
      if (!mode.quiet) errorLine(text);
    },
    leaveOutputToData() {
      outputIsData = true;
    },
    outcome({ value, text, exitStatus = 0 }) {
      display?.end();
      if (mode.json) answer(JSON.stringify(value, undefined, 2));
      else if (text !== "" && !(mode.quiet && outputIsData)) answer(text);
      return exitStatus;
    },
    failure(error) {
      display?.end();
      const failure = describeFailure(error);
      if (mode.json) answer(JSON.stringify({ error: failure }, undefined, 2));
      else errors.stream.write(`${failureText(failure)}\n`);
      if (mode.trace) for (const line of causeChain(error)) errors.stream.write(`trace: ${line}\n`);
      return failure.exitStatus;
    },
    [Symbol.dispose]() {
      display?.end();
    },
  };
}

/** `moved` comes ten times a second and says nothing that `finished` does not. */
function traceEvent(event: ProgressEvent, line: (text: string) => void): void {
  switch (event.kind) {
    case "started":
      line(
        `trace: ${event.step} started${event.totalBytes === undefined ? "" : `, ${formatBytes(event.totalBytes)}`}`,
      );
      break;
    case "finished":
      line(
        `trace: ${event.step} finished, ${formatBytes(event.doneBytes)} (${event.doneBytes} bytes), ` +
          `${formatDuration(event.ownMs)} of its own`,
      );
      break;
    case "note":
      line(`trace: ${event.step}: ${event.text}`);
      break;
    case "moved":
      break;
  }
}

function fieldText(fields: Readonly<Record<string, unknown>> | undefined): string {
  return fields === undefined ? "" : ` ${JSON.stringify(fields)}`;
}
