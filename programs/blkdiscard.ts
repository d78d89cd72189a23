import type { Context } from "../pipeline/contract.ts";
import { ImportError } from "../pipeline/errors.ts";
import { findProgram } from "./find-program.ts";
import { runProgram } from "./process.ts";

const BLKDISCARD = { program: "blkdiscard", debianPackage: "util-linux" } as const;

/** A device that makes zeroes itself takes seconds for a terabyte; one that only said so is given up here. */
const TIMEOUT_MS = 15 * 60_000;

/**
 * Has a block device make its first `lengthBytes` bytes zero, by unmapping them where it can (BLKZEROOUT). False when
 * it did not, because the program is missing or the device refuses: then zeroes must be written.
 * `--force` as the caller holds the device exclusively. Throws PROGRAM_TIMED_OUT and `signal.reason`.
 */
export async function zeroDevice(path: string, lengthBytes: number, context: Context): Promise<boolean> {
  if ((await findProgram(BLKDISCARD.program, context)) === undefined) return false;
  const args = ["--force", "--zeroout", "--offset", "0", "--length", String(lengthBytes), path];
  try {
    await runProgram({ ...BLKDISCARD, args, writes: [path], timeoutMs: TIMEOUT_MS }, context);
    return true;
  } catch (error) {
    if (!(error instanceof ImportError && error.code === "PROGRAM_FAILED")) throw error;
    context.log.debug("the device makes no zeroes, they are written", { path, reason: error.message });
    return false;
  }
}
