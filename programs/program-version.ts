import type { Context } from "../pipeline/contract.ts";
import type { ProgramName } from "./find-program.ts";
import { runProgram } from "./process.ts";

/** To print a version takes milliseconds, also from a cold disk. */
const TIMEOUT_MS = 10_000;

/** The first line that a program prints of its own version. Throws as `runProgram`. */
export async function programVersion(program: ProgramName, context: Context): Promise<string> {
  const { stdout } = await runProgram({ ...program, args: ["--version"], timeoutMs: TIMEOUT_MS }, context);
  return stdout.split("\n")[0]?.trim() ?? "";
}
