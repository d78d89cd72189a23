import test from "ava";
import { output, type OutputMode } from "../../cli/output.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { testCli } from "../support/cli.ts";

const PLAIN: OutputMode = { json: false, quiet: false, trace: false };

test("outcome() gives the command's status, or 0", (t) => {
  using report = output(testCli(), PLAIN);
  t.is(report.outcome({ value: null, text: "" }), 0);
  t.is(report.outcome({ value: null, text: "", exitStatus: 1 }), 1);
});

test("outcome() prints no empty line for a command that has nothing to say", (t) => {
  const cli = testCli();
  using report = output(cli, PLAIN);
  report.outcome({ value: null, text: "" });
  t.is(cli.stdout() + cli.stderr(), "");
});

test("remark() is for people, and silent with --quiet", (t) => {
  const [loud, quiet] = [testCli(), testCli()];
  using first = output(loud, PLAIN);
  using second = output(quiet, { ...PLAIN, quiet: true });
  first.remark("x");
  second.remark("x");
  t.deepEqual([loud.stderr(), quiet.stderr(), loud.stdout()], ["x\n", "", ""]);
});

test("failure() is printed with --quiet as well, and on standard error where standard output is data", (t) => {
  const cli = testCli();
  using report = output(cli, { ...PLAIN, quiet: true, json: true });
  report.leaveOutputToData();
  t.is(report.failure(new ImportError("SOURCE_CHANGED", "Cannot go on")), 3);
  t.is(cli.stdout(), "");
  t.like(JSON.parse(cli.stderr()).error, { code: "SOURCE_CHANGED", message: "Cannot go on" });
});

test("log.warn() is for people, log.debug() for --trace", (t) => {
  const [plain, traced] = [testCli(), testCli()];
  using first = output(plain, PLAIN);
  using second = output(traced, { ...PLAIN, trace: true });
  for (const { log } of [first, second]) {
    log.warn("careful");
    log.debug("detail", { part: 3 });
  }
  t.is(plain.stderr(), "warning: careful\n");
  t.is(traced.stderr(), 'warning: careful\ndebug: detail {"part":3}\n');
});

test("what is printed while live progress stands takes its lines away first", (t) => {
  const cli = testCli({ isTerminal: true });
  using report = output(cli, PLAIN);
  report.progress({ kind: "started", step: "read" });
  report.outcome({ value: null, text: "done" });
  t.regex(cli.stderr(), /^ {2}read {2}0 B, /);
  t.is(cli.stdout(), "done\n");
});
