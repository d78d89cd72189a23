import { ImportError } from "../pipeline/errors.ts";
import type { Session } from "./command.ts";

/** Leaves standard output to data. Throws ARGUMENT_INVALID rather than filling a terminal with it. */
export function takeStandardOutput({ environment, output }: Session): void {
  if (environment.output.isTerminal) {
    throw new ImportError(
      "ARGUMENT_INVALID",
      'Cannot write an image to "-" as standard output is a terminal',
      {
        remedy: "Redirect it to a file or into a pipe",
      },
    );
  }
  output.leaveOutputToData();
}
