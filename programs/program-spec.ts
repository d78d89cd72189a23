import type { ProgramLimits } from "./sandbox.ts";

/** What to run, and within which bounds. */
export interface ProgramSpec {
  readonly program: string;
  /** The Debian package to install when the program is missing. */
  readonly debianPackage: string;
  /** Never a secret: other users of the machine can see them. */
  readonly args: readonly string[];
  /** Files the program reads, and writes. */
  readonly reads?: readonly string[];
  readonly writes?: readonly string[];
  readonly cwd?: string;
  /** Wall clock; after it the program is ended and PROGRAM_TIMED_OUT thrown. */
  readonly timeoutMs: number;
  /** Default `DEFAULT_GRACE_MS`. */
  readonly graceMs?: number;
  readonly limits?: ProgramLimits;
}

/** How a program ended. */
export interface ProgramExit {
  readonly status: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** Why we ended it, if we did. */
  readonly endedBy: "itself" | "abort" | "timeout" | "stop";
  /** At most 4 KiB, without control characters. */
  readonly stderrTail: string;
}
