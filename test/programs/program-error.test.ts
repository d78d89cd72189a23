import test from "ava";
import type { ErrorCode } from "../../pipeline/errors.ts";
import { programError, title } from "../../programs/program-error.ts";
import type { ProgramExit } from "../../programs/program-spec.ts";

const SPEC = {
  program: "tool",
  debianPackage: "tools",
  args: ["verb", "/secret/path"],
  timeoutMs: 1500,
} as const;
const EXIT: ProgramExit = { status: 1, signal: undefined, endedBy: "itself", stderrTail: "" };

const CASES: readonly (readonly [Partial<ProgramExit>, ErrorCode, RegExp])[] = [
  [{}, "PROGRAM_FAILED", /^Cannot finish "tool verb" as it ended with status 1$/],
  [{ status: undefined, signal: "SIGKILL" }, "PROGRAM_FAILED", /ended with signal SIGKILL$/],
  [{ status: undefined, signal: "SIGXCPU" }, "PROGRAM_TIMED_OUT", /longer than its processor time$/],
  [{ status: undefined, signal: "SIGTERM", endedBy: "timeout" }, "PROGRAM_TIMED_OUT", /longer than 1.5 s$/],
  [{ status: undefined, signal: "SIGXFSZ" }, "SIZE_EXCEEDED", /larger file/],
  [{ stderrTail: "write: File too large" }, "SIZE_EXCEEDED", /: write: File too large$/],
  [{ stderrTail: "write: No space left on device" }, "DESTINATION_FULL", /no room/],
  [{ stderrTail: "write: Disk quota exceeded" }, "DESTINATION_FULL", /no room/],
];

for (const [exit, code, message] of CASES) {
  test(`programError() is ${code} for ${JSON.stringify(exit)}`, (t) => {
    const error = programError(SPEC, { ...EXIT, ...exit });
    t.is(error.code, code);
    t.regex(error.message, message);
    t.false(error.message.includes("/secret"));
    t.truthy(error.remedy);
  });
}

test("title() is program and subcommand, without options and paths", (t) => {
  t.is(title(SPEC), "tool verb");
  t.is(title({ ...SPEC, args: ["--flag"] }), "tool");
  t.is(title({ ...SPEC, args: ["/path"] }), "tool");
  t.is(title({ ...SPEC, args: [] }), "tool");
});
