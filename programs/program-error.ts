import { ImportError } from "../pipeline/errors.ts";
import type { ProgramExit, ProgramSpec } from "./program-spec.ts";

/** What went wrong, as far as the way a program ended tells. */
export function programError(spec: ProgramSpec, exit: ProgramExit): ImportError {
  const what = `Cannot finish "${title(spec)}"`;
  const said = exit.stderrTail === "" ? "" : `: ${exit.stderrTail}`;
  if (exit.endedBy === "timeout" || exit.signal === "SIGXCPU") {
    const limit = exit.endedBy === "timeout" ? `${spec.timeoutMs / 1000} s` : "its processor time";
    return new ImportError("PROGRAM_TIMED_OUT", `${what} as it took longer than ${limit}${said}`, {
      remedy: "Try again when the machine is less busy",
    });
  }
  if (exit.signal === "SIGXFSZ" || exit.stderrTail.includes("File too large")) {
    return new ImportError(
      "SIZE_EXCEEDED",
      `${what} as it wrote a larger file than the image can need${said}`,
      {
        remedy: "Look at the image with: diskferry inspect",
      },
    );
  }
  // With LC_ALL=C this is what strerror(ENOSPC) and strerror(EDQUOT) say; the exit status does not tell.
  if (/No space left on device|Disk quota exceeded/.test(exit.stderrTail)) {
    return new ImportError("DESTINATION_FULL", `${what} as no room is left${said}`, {
      remedy: "Free some space or choose another file system",
    });
  }
  const how = exit.signal === undefined ? `status ${exit.status ?? "unknown"}` : `signal ${exit.signal}`;
  return new ImportError("PROGRAM_FAILED", `${what} as it ended with ${how}${said}`, {
    remedy:
      exit.signal === "SIGKILL"
        ? "Look into the system log: the kernel kills programs when memory runs out"
        : "Look at what the program says, and run it by hand if that does not tell",
  });
}

/** The program and its subcommand, without the paths and options that follow. */
export function title({ program, args }: ProgramSpec): string {
  const [first] = args;
  return first === undefined || /^[-/]/.test(first) ? program : `${program} ${first}`;
}
