import { type Command, InvalidArgumentError } from "commander";
import { defined } from "../../pipeline/defined.ts";
import type { RunSettings } from "../command.ts";
import { sizeValue } from "./values.ts";

/** The flags of commands that work on images. */
export interface RunFlags {
  readonly scratchDir?: string;
  readonly scratchLimit?: number;
  readonly keepScratch?: boolean;
  readonly maxSize?: number;
  readonly maxRatio?: number;
}

export function addRunFlags(command: Command): void {
  command
    .optionsGroup("Limits and scratch space:")
    .option(
      "--scratch-dir <folder>",
      "where scratch files go (default: the system's folder for temporary files)",
    )
    .option("--scratch-limit <size>", "most scratch space to use (default: what is free)", sizeValue)
    .option("--keep-scratch", "leave scratch files behind, for looking into a failure")
    .option("--max-size <size>", "largest image accepted (default: 64 TiB)", sizeValue)
    .option(
      "--max-ratio <number>",
      "most bytes that one compressed byte may become (default: 40000)",
      ratioValue,
    );
}

export function runSettings(flags: RunFlags): RunSettings {
  const { scratchDir, scratchLimit, keepScratch, maxSize, maxRatio } = flags;
  return {
    scratch: defined({ parentFolder: scratchDir, limitBytes: scratchLimit, keep: keepScratch }),
    limits: defined({ maxImageBytes: maxSize, maxRatio }),
  };
}

function ratioValue(text: string): number {
  const ratio = Number(text);
  if (!(ratio >= 1) || !Number.isFinite(ratio))
    throw new InvalidArgumentError("A number from 1 on is wanted.");
  return ratio;
}
