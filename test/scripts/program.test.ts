import { once } from "node:events";
import test from "ava";
import { runTool, treeEnvironment } from "../../scripts/program.ts";

const signal = new AbortController().signal;

test("runTool() answers the exit status, and hands over every line, the unfinished last one too", async (t) => {
  const lines: string[] = [];
  const status = await runTool(["sh", "-c", "printf 'one\\n\\ntwo'; exit 3"], {
    signal,
    onLine: (line) => lines.push(line),
  });
  t.is(status, 3);
  t.deepEqual(lines, ["one", "", "two"]);
});

test("runTool() finds the tree's own Node first", async (t) => {
  const lines: string[] = [];
  await runTool(["node", "--version"], { signal, onLine: (line) => lines.push(line) });
  t.regex(lines[0] ?? "", /^v24\./);
  t.regex(treeEnvironment().PATH ?? "", /node_modules[/\\]\.bin/);
});

test("runTool() ends the tool when it is aborted, and waits for it", async (t) => {
  const stop = new AbortController();
  const started = new EventTarget();
  const running = once(started, "line");
  const lines: string[] = [];
  const script = "trap 'echo cleaned; exit 7' TERM; echo started; while :; do sleep 0.05; done";
  const status = runTool(["sh", "-c", script], {
    signal: stop.signal,
    onLine(line) {
      lines.push(line);
      started.dispatchEvent(new Event("line"));
    },
  });
  await running;
  stop.abort();
  t.is(await status, 7);
  t.deepEqual(lines, ["started", "cleaned"]);
});

test("runTool() counts a tool that was killed as failed, and starts none after an abort", async (t) => {
  t.is(await runTool(["sh", "-c", "kill -9 $$"], { signal }), 1);
  await t.throwsAsync(runTool(["true"], { signal: AbortSignal.abort(new Error("stopped")) }), {
    message: "stopped",
  });
});
