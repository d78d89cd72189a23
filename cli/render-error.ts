import { inspect } from "node:util";
import { ImportError, ERRORS, type ErrorCode } from "../pipeline/errors.ts";
import { EXIT_STATUS_OF, type ExitStatus } from "./exit-status.ts";
import { Interrupted } from "./interrupted.ts";

/** How a run that did not succeed is told, to people and to programs. */
export interface Failure {
  readonly code: ErrorCode | "INTERRUPTED";
  readonly message: string;
  readonly remedy?: string;
  readonly step?: string;
  readonly retryable: boolean;
  readonly exitStatus: ExitStatus;
}

/** Whatever was thrown; what is neither ours nor an interruption is INTERNAL. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof Interrupted) {
    const { message, exitStatus } = error;
    return {
      code: "INTERRUPTED",
      message: `${message}; unfinished work was removed`,
      retryable: true,
      exitStatus,
    };
  }
  if (!(error instanceof ImportError)) {
    return {
      code: "INTERNAL",
      message: error instanceof Error ? `${error.name}: ${error.message}` : inspect(error),
      remedy: "Run it again with --trace and report what is printed",
      retryable: ERRORS.INTERNAL.retryable,
      exitStatus: EXIT_STATUS_OF.INTERNAL,
    };
  }
  const { code, message, remedy, step, retryable } = error;
  return {
    code,
    message,
    ...(remedy === undefined ? {} : { remedy }),
    ...(step === undefined ? {} : { step }),
    retryable,
    exitStatus: EXIT_STATUS_OF[code],
  };
}

/** The lines for people. */
export function failureText({ code, message, remedy, step }: Failure): string {
  const where = step === undefined ? "" : ` (step "${step}")`;
  const first = `diskferry: ${code} ${message}${where}`;
  return remedy === undefined ? first : `${first}\nWhat to do: ${remedy}`;
}

/** A chain longer than this is a loop, or nobody reads it. */
const MAX_CAUSES = 10;

/** What led to an error, innermost last, with the place in the code it came from; for `--trace`. */
export function causeChain(error: unknown): readonly string[] {
  const lines: string[] = [];
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && current !== undefined; depth++) {
    const text = current instanceof Error ? (current.stack ?? current.message) : inspect(current);
    lines.push(depth === 0 ? text : `caused by ${text}`);
    current = current instanceof Error ? current.cause : undefined;
  }
  return lines;
}
