import { type Command, Option } from "commander";
import type { OutputMode } from "../output.ts";
import { PROGRESS_STYLES, type ProgressStyle } from "../progress/display.ts";

/** The flags that every command has. */
export interface OutputFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly trace?: boolean;
  /** `true` for the flag without a style, `false` for `--no-progress`. */
  readonly progress?: ProgressStyle | boolean;
  /** euca2ools' word for `--trace`. */
  readonly debug?: boolean;
}

export function addOutputFlags(command: Command): void {
  command
    .optionsGroup("Output:")
    .option("--json", "print the result, or the error, as one JSON document on standard output")
    .option("-q, --quiet", "print only the result and errors")
    .option("--trace", "print every step with bytes and times, every retry, and where an error came from")
    .addOption(
      new Option("--progress [style]", "how to show progress on standard error").choices(PROGRESS_STYLES),
    )
    .option("--no-progress", "show no progress")
    .addOption(new Option("--debug").hideHelp());
}

export function outputMode({ json, quiet, trace, debug, progress }: OutputFlags): OutputMode {
  const style = progress === false ? "none" : progress === true ? undefined : progress;
  return {
    json: json === true,
    quiet: quiet === true,
    trace: trace === true || debug === true,
    ...(style === undefined ? {} : { progress: style }),
  };
}
