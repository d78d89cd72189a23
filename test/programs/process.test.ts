import test from "ava";
import { getEventListeners } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram, startProgram } from "../../programs/process.ts";
import type { ProgramSpec } from "../../programs/program-spec.ts";
import { testContext } from "../support/context.ts";
import { failure } from "../support/errors.ts";
import { processesWith } from "../support/processes.ts";

/** A shell script as a program; `marker` is on its command line, so that it can be found. */
function shell(script: string, rest: Partial<ProgramSpec> = {}): ProgramSpec {
  return { program: "sh", debianPackage: "dash", args: ["-c", script], timeoutMs: 60_000, ...rest };
}

/** A script that ignores TERM, has a child that does too, and tells when it is ready. */
const STUBBORN = `trap '' TERM; sleep 987654 & echo ready; while :; do wait; done`;

test("runProgram() gives status, output and the end of stderr", async (t) => {
  const result = await runProgram(shell("echo out; echo err >&2; exit 3"), testContext(), {
    goodStatuses: [3],
  });
  t.deepEqual(result, { status: 3, stdout: "out\n", stderrTail: "err" });
});

// While coverage is measured Node itself adds NODE_V8_COVERAGE to what every child gets.
test("runProgram() gives the program PATH, locale and malloc setting, nothing else, and no input", async (t) => {
  const { stdout } = await runProgram(
    shell("cat; env | grep -v -e ^_= -e ^NODE_V8_COVERAGE= | grep -v ^PWD= | sort"),
    testContext(),
  );
  t.regex(stdout, /^LC_ALL=C\nMALLOC_ARENA_MAX=2\nPATH=[^\n]+\n$/);
});

test("runProgram() sets the resource limits, and forbids core dumps", async (t) => {
  const limits = { cpuSeconds: 7, addressSpaceBytes: 2 ** 31, fileSizeBytes: 1024 * 512, openFiles: 55 };
  const { stdout } = await runProgram(
    shell("ulimit -t; ulimit -v; ulimit -f; ulimit -n; ulimit -c", { limits }),
    testContext(),
  );
  t.deepEqual(stdout.trim().split("\n"), ["7", String(2 ** 21), "1024", "55", "0"]);
});

test("runProgram() fails with PROGRAM_MISSING and the line that installs it", async (t) => {
  const error = await failure(() =>
    runProgram(
      shell("", { program: "qemu-img", debianPackage: "qemu-utils" }),
      testContext({ programPath: "/nonexistent" }),
    ),
  );
  t.is(error.code, "PROGRAM_MISSING");
  t.is(error.remedy, "Install it with: apt-get install qemu-utils");
});

test("runProgram() never runs a program from a relative folder of the path", async (t) => {
  const error = await failure(() => runProgram(shell("true"), testContext({ programPath: ".:bin:" })));
  t.is(error.code, "PROGRAM_MISSING");
});

test("runProgram() fails with PROGRAM_FAILED, the status and at most 4 KiB of stderr without control characters", async (t) => {
  const script = `head -c 100000 /dev/zero | tr '\\0' x >&2; printf '\\n\\033[31mthe end\\n' >&2; exit 9`;
  const error = await failure(() => runProgram(shell(script), testContext()));
  t.is(error.code, "PROGRAM_FAILED");
  t.regex(error.message, /^Cannot finish "sh" as it ended with status 9: x+ \/ \?\[31mthe end$/);
  t.true(error.message.length < 4096 + 100);
});

test("runProgram() fails with PROGRAM_FAILED and the signal when the program is killed", async (t) => {
  const error = await failure(() => runProgram(shell("kill -KILL $$"), testContext()));
  t.is(error.code, "PROGRAM_FAILED");
  t.regex(error.message, /signal SIGKILL/);
});

test("runProgram() fails with DESTINATION_FULL when the program found no room", async (t) => {
  const error = await failure(() =>
    runProgram(shell("echo x: No space left on device >&2; exit 1"), testContext()),
  );
  t.is(error.code, "DESTINATION_FULL");
});

test("runProgram() fails with SIZE_EXCEEDED when the program writes past its limit", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "diskferry-test-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const spec = shell("exec head -c 100000 /dev/zero > file", {
    cwd: folder,
    limits: { fileSizeBytes: 5000 },
  });
  t.is((await failure(() => runProgram(spec, testContext()))).code, "SIZE_EXCEEDED");
  t.is((await stat(join(folder, "file"))).size, 5000);
});

test("runProgram() fails with PROGRAM_FAILED on more output than is wanted, and the program is gone", async (t) => {
  const script = "yes 'marker-too-much'";
  const error = await failure(() => runProgram(shell(script), testContext(), { maxOutputBytes: 1000 }));
  t.is(error.code, "PROGRAM_FAILED");
  t.regex(error.message, /longer than 1000 bytes/);
  t.deepEqual(processesWith("marker-too-much"), []);
});

test("runProgram() hands on output as it comes, without keeping it", async (t) => {
  const chunks: Buffer[] = [];
  const { stdout } = await runProgram(shell("echo one; echo two"), testContext(), {
    onOutput: (c) => chunks.push(c),
  });
  t.is(stdout, "");
  t.is(Buffer.concat(chunks).toString(), "one\ntwo\n");
});

test("runProgram() fails with PROGRAM_TIMED_OUT, and kills what ignores TERM together with its children", async (t) => {
  const spec = shell(`${STUBBORN} # marker-clock`, { timeoutMs: 300, graceMs: 50 });
  const error = await failure(() => runProgram(spec, testContext()));
  t.is(error.code, "PROGRAM_TIMED_OUT");
  t.deepEqual(processesWith("marker-clock"), []);
  t.deepEqual(processesWith("987654"), []);
});

test.serial("runProgram() ends with the reason of an abort, leaves no process and no listener", async (t) => {
  const stop = new AbortController();
  const reason = new Error("enough");
  const spec = shell(`${STUBBORN.replace("987654", "987655")} # marker-abort`, { graceMs: 50 });
  const running = runProgram(spec, testContext({ signal: stop.signal }), {
    onOutput: () => stop.abort(reason),
  });
  t.is(await t.throwsAsync(running), reason);
  t.deepEqual(processesWith("marker-abort"), []);
  t.deepEqual(processesWith("987655"), []);
  t.is(getEventListeners(stop.signal, "abort").length, 0);
});

test("runProgram() starts nothing when the signal is aborted already", async (t) => {
  const reason = new Error("before");
  const context = testContext({ signal: AbortSignal.abort(reason) });
  t.is(await t.throwsAsync(runProgram(shell("sleep 987656"), context)), reason);
});

test("runProgram() waits for no grandchild that holds its pipes open", async (t) => {
  const { status } = await runProgram(shell("sleep 987657 & exit 0"), testContext());
  t.is(status, 0);
  t.deepEqual(processesWith("987657"), []);
});

test("startProgram() ends the program when it is disposed, also twice", async (t) => {
  const program = await startProgram(shell("exec sleep 987658"), testContext());
  t.true(program.pid > 0);
  await program[Symbol.asyncDispose]();
  await program[Symbol.asyncDispose]();
  t.like(await program.exited, { endedBy: "stop", signal: "SIGTERM" });
  t.deepEqual(processesWith("987658"), []);
});

test("startProgram() tells how a program ended by itself", async (t) => {
  await using program = await startProgram(shell("echo why >&2; exit 4"), testContext());
  t.deepEqual(await program.exited, { status: 4, signal: undefined, endedBy: "itself", stderrTail: "why" });
});
