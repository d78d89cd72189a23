import test from "ava";
import type { Session } from "../../cli/command.ts";
import { output } from "../../cli/output.ts";
import { takeStandardOutput } from "../../cli/standard-output.ts";
import { testCli, type TestCli } from "../support/cli.ts";
import { failure } from "../support/errors.ts";

function session(environment: TestCli): Session {
  const mode = { json: false, quiet: false, trace: false };
  return {
    environment,
    mode,
    output: output(environment, mode),
    run: () => Promise.reject(new Error("not run")),
  };
}

test("takeStandardOutput() leaves a pipe to the data", (t) => {
  const cli = testCli();
  const started = session(cli);
  takeStandardOutput(started);
  started.output.outcome({ value: null, text: "done" });
  t.deepEqual([cli.stdout(), cli.stderr()], ["", "done\n"]);
});

test("takeStandardOutput() throws ARGUMENT_INVALID on a terminal", async (t) => {
  const error = await failure(() => takeStandardOutput(session(testCli({ isTerminal: true }))));
  t.is(error.code, "ARGUMENT_INVALID");
  t.regex(error.remedy!, /pipe/);
});
