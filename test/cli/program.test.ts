import { getEventListeners } from "node:events";
import test from "ava";
import type { Command } from "commander";
import type { CommandSpec, Session } from "../../cli/command.ts";
import { EXIT_STATUSES } from "../../cli/exit-status.ts";
import { Interrupted } from "../../cli/interrupted.ts";
import type { Outcome } from "../../cli/output.ts";
import { runCli } from "../../cli/program.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { testCli } from "../support/cli.ts";

interface Flags {
  readonly number?: string;
}

interface Options extends Flags {
  readonly args: readonly string[];
}

/** A command that shows what it was given, or does what the test says. */
function echo(run?: (session: Session) => Promise<Outcome>): CommandSpec<Flags, Options> {
  return {
    name: "echo",
    summary: "Show what it was given",
    examples: [{ line: "echo a --number 1", does: "show an argument and a number" }],
    declare(command: Command) {
      command.argument("<word>").option("-n, --number <n>");
    },
    parse: (args, flags) => ({ args, ...flags }),
    run: (options, session) =>
      run?.(session) ??
      Promise.resolve({
        value: { args: options.args, number: options.number },
        text: options.args.join(" "),
      }),
  };
}

test("runCli() hands arguments and flags to the command and prints its answer", async (t) => {
  const cli = testCli();
  t.is(await runCli(["echo", "hello", "-n", "7"], cli, [echo()]), 0);
  t.is(cli.stdout(), "hello\n");
  t.is(cli.stderr(), "");
});

test("runCli() with --json prints one document", async (t) => {
  const cli = testCli();
  t.is(await runCli(["echo", "hello", "--json", "-n", "7"], cli, [echo()]), 0);
  t.deepEqual(JSON.parse(cli.stdout()), { args: ["hello"], number: "7" });
});

for (const [what, args, message, remedy] of [
  ["an unknown command", ["ecko"], /unknown command 'ecko'/, /diskferry --help/],
  ["the help of an unknown command", ["help", "ecko"], /unknown command 'ecko'/, /diskferry --help/],
  ["an unknown option", ["echo", "a", "--numbr", "1"], /unknown option '--numbr'/, /diskferry echo --help/],
  ["a missing argument", ["echo"], /missing required argument 'word'/, /diskferry echo --help/],
  ["an argument too many", ["echo", "a", "b"], /too many arguments/, /diskferry echo --help/],
  [
    "a progress style that there is not",
    ["echo", "a", "--progress", "loud"],
    /Allowed choices are live/,
    /echo/,
  ],
] as const) {
  test(`runCli() ends with 2 for ${what} and says where to look`, async (t) => {
    const cli = testCli();
    t.is(await runCli(args, cli, [echo()]), 2);
    t.is(cli.stdout(), "");
    t.regex(cli.stderr(), /^diskferry: ARGUMENT_INVALID /);
    t.regex(cli.stderr(), message);
    t.regex(cli.stderr(), remedy);
  });
}

test("runCli() with --json prints a usage error as a document", async (t) => {
  const cli = testCli();
  t.is(await runCli(["echo", "--json"], cli, [echo()]), 2);
  t.like(JSON.parse(cli.stdout()).error, { code: "ARGUMENT_INVALID", retryable: false, exitStatus: 2 });
});

for (const args of [["--help"], ["help"], []] as const) {
  test(`runCli(${args.join(" ")}) prints commands and every exit status`, async (t) => {
    const cli = testCli();
    t.is(await runCli(args, cli, [echo()]), 0);
    t.regex(cli.stdout(), /echo .*Show what it was given/);
    for (const [status, meaning] of Object.entries(EXIT_STATUSES)) {
      t.true(cli.stdout().includes(`${status.padStart(3)}  ${meaning}`), status);
    }
  });
}

for (const args of [
  ["echo", "--help"],
  ["help", "echo"],
] as const) {
  test(`runCli(${args.join(" ")}) prints flags and examples of the command`, async (t) => {
    const cli = testCli();
    t.is(await runCli(args, cli, [echo()]), 0);
    t.regex(cli.stdout(), /--number <n>/);
    t.regex(cli.stdout(), /# show an argument and a number\n {2}diskferry echo a --number 1/);
    t.regex(cli.stdout(), /--json/);
  });
}

test("runCli(--version) prints the version of the package", async (t) => {
  const cli = testCli();
  t.is(await runCli(["--version"], cli, [echo()]), 0);
  t.is(cli.stdout(), "1.2.3\n");
});

test("runCli() prints an error with its code and what to do, and ends with its status", async (t) => {
  const cli = testCli();
  const fail = echo(() =>
    Promise.reject(
      new ImportError("DESTINATION_EXISTS", 'Cannot write "x"', { remedy: "Use --force", step: "write" }),
    ),
  );
  t.is(await runCli(["echo", "a"], cli, [fail]), 4);
  t.is(
    cli.stderr(),
    'diskferry: DESTINATION_EXISTS Cannot write "x" (step "write")\nWhat to do: Use --force\n',
  );
});

test("runCli() with --trace prints what led to an error", async (t) => {
  const cli = testCli();
  const fail = echo(() =>
    Promise.reject(
      new ImportError("SOURCE_UNAVAILABLE", "Cannot read", { cause: new Error("socket hang up") }),
    ),
  );
  t.is(await runCli(["echo", "a", "--trace"], cli, [fail]), 3);
  t.regex(cli.stderr(), /trace: ImportError: Cannot read\n {4}at /);
  t.regex(cli.stderr(), /trace: caused by Error: socket hang up/);
});

test("runCli() ends with 70 for what nobody expected", async (t) => {
  const cli = testCli();
  t.is(
    await runCli(["echo", "a"], cli, [echo(() => Promise.reject(new TypeError("x is not a function")))]),
    70,
  );
  t.regex(cli.stderr(), /^diskferry: INTERNAL TypeError: x is not a function\nWhat to do: .*--trace/);
});

test("runCli() ends with 130 when interrupted, whatever breaks because of it, and leaves no listener", async (t) => {
  const controller = new AbortController();
  const cli = testCli({ signal: controller.signal });
  const interrupted = echo((session) =>
    session.run({}, async ({ signal }) => {
      const { promise, reject } = Promise.withResolvers<Outcome>();
      signal.addEventListener("abort", () => reject(new Error("broken by the abort")), { once: true });
      setImmediate(() => controller.abort(new Interrupted("SIGINT")));
      return promise;
    }),
  );
  t.is(await runCli(["echo", "a"], cli, [interrupted]), 130);
  t.is(cli.stderr(), "diskferry: INTERRUPTED Stopped by SIGINT; unfinished work was removed\n");
  t.deepEqual(getEventListeners(controller.signal, "abort"), []);
});

test("runCli() starts nothing when it was interrupted before", async (t) => {
  const cli = testCli({ signal: AbortSignal.abort(new Interrupted("SIGTERM")) });
  const never = echo(() => Promise.reject(new Error("started")));
  t.is(await runCli(["echo", "a"], cli, [never]), 143);
});

test("runCli() shows progress and notes on standard error only, and none with --quiet", async (t) => {
  const working = echo((session) =>
    session.run({}, (context) => {
      context.progress({ kind: "started", step: "read" });
      context.progress({ kind: "note", step: "read", text: "half of it is zero" });
      context.log.warn("slow", { bytes: 1 });
      context.log.debug("trying again");
      context.progress({ kind: "finished", step: "read", doneBytes: 2048, ownMs: 1500 });
      return Promise.resolve({ value: null, text: "answer" });
    }),
  );
  const loud = testCli();
  t.is(await runCli(["echo", "a"], loud, [working]), 0);
  t.is(loud.stdout(), "answer\n");
  t.is(loud.stderr(), 'note: half of it is zero\nwarning: slow {"bytes":1}\n');
  const quiet = testCli();
  t.is(await runCli(["echo", "a", "--quiet"], quiet, [working]), 0);
  t.is(quiet.stdout(), "answer\n");
  t.is(quiet.stderr(), "");
  const traced = testCli();
  t.is(await runCli(["echo", "a", "--trace", "--no-progress"], traced, [working]), 0);
  t.deepEqual(traced.stderr().trimEnd().split("\n"), [
    "trace: read started",
    "trace: read: half of it is zero",
    'warning: slow {"bytes":1}',
    "debug: trying again",
    "trace: read finished, 2 KiB (2048 bytes), 1.5 s of its own",
  ]);
  const json = testCli();
  t.is(await runCli(["echo", "a", "--progress", "json"], json, [working]), 0);
  t.deepEqual(JSON.parse(json.stderr().split("\n")[0]!), { progress: { kind: "started", step: "read" } });
});

test("runCli() prints everything on standard error where standard output is the data", async (t) => {
  const piping = echo((session) => {
    session.output.leaveOutputToData();
    return Promise.resolve({ value: { bytes: 1 }, text: "1 byte" });
  });
  for (const [flags, stderr] of [
    [[], "1 byte\n"],
    [["--quiet"], ""],
    [["--json"], '{\n  "bytes": 1\n}\n'],
  ] as const) {
    const cli = testCli();
    t.is(await runCli(["echo", "a", ...flags], cli, [piping]), 0);
    t.is(cli.stdout(), "");
    t.is(cli.stderr(), stderr);
  }
});
