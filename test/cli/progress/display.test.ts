import test from "ava";
import { type Clock, progressDisplay } from "../../../cli/progress/display.ts";
import { testCli } from "../../support/cli.ts";

/** Time that a test moves; `ticks` are what was asked to be called. */
function fakeClock() {
  const ticks: (() => void)[] = [];
  const clock: Clock & { ms: number; tick(): void; running(): number } = {
    ms: 0,
    now: () => clock.ms,
    every(ms, tick) {
      const call = () => {
        clock.ms += ms;
        tick();
      };
      ticks.push(call);
      return { [Symbol.dispose]: () => void ticks.splice(ticks.indexOf(call), 1) };
    },
    tick: () => ticks.forEach((call) => call()),
    running: () => ticks.length,
  };
  return clock;
}

test("progressDisplay() draws in place on a terminal, and stops its timer at the end", (t) => {
  const cli = testCli({ isTerminal: true });
  const clock = fakeClock();
  const display = progressDisplay(cli.errors, undefined, clock);
  t.is(clock.running(), 0);
  display.report({ kind: "started", step: "read" });
  clock.tick();
  clock.tick();
  t.is(cli.stderr(), "  read  0 B, 0 B/s\n\u001b[1F\u001b[J  read  0 B, 0 B/s\n");
  display.report({ kind: "finished", step: "read", doneBytes: 1024, ownMs: 1 });
  display.end();
  display.end();
  t.is(clock.running(), 0);
  t.true(cli.stderr().endsWith("\u001b[1F\u001b[J  read  1 KiB, 2.5 KiB/s, done\n"));
  display.report({ kind: "started", step: "write" });
  t.is(clock.running(), 0);
});

test("clear() takes the lines away once, so that something else can be printed", (t) => {
  const cli = testCli({ isTerminal: true });
  const clock = fakeClock();
  const display = progressDisplay(cli.errors, "live", clock);
  display.clear();
  t.is(cli.stderr(), "");
  display.report({ kind: "started", step: "read" });
  clock.tick();
  display.clear();
  display.clear();
  t.is(cli.stderr(), "  read  0 B, 0 B/s\n\u001b[1F\u001b[J");
  clock.tick();
  t.true(cli.stderr().endsWith("\u001b[J  read  0 B, 0 B/s\n"));
  display.end();
});

test("progressDisplay() adds a line every five seconds elsewhere, and none for what took less", (t) => {
  const cli = testCli();
  const clock = fakeClock();
  const display = progressDisplay(cli.errors, undefined, clock);
  display.report({ kind: "started", step: "read", totalBytes: 2048 });
  t.is(cli.stderr(), "");
  display.report({ kind: "moved", step: "read", doneBytes: 1024, totalBytes: 2048, ownMs: 1 });
  clock.tick();
  t.is(clock.ms, 5000);
  t.is(cli.stderr(), "read 1 KiB of 2 KiB (50%), 205 B/s, 5.0 s left\n");
  display.report({ kind: "finished", step: "read", doneBytes: 2048, ownMs: 1 });
  clock.tick();
  display.end();
  t.is(cli.stderr().split("\n").length, 2);
});

test("progressDisplay() of style json prints every event as it comes", (t) => {
  const cli = testCli({ isTerminal: true });
  const display = progressDisplay(cli.errors, "json", fakeClock());
  display.report({ kind: "note", step: "read", text: "x" });
  display.clear();
  display.end();
  t.is(cli.stderr(), '{"progress":{"kind":"note","step":"read","text":"x"}}\n');
});

test("progressDisplay() of style none prints nothing", (t) => {
  const cli = testCli({ isTerminal: true });
  const display = progressDisplay(cli.errors, "none", fakeClock());
  display.report({ kind: "started", step: "read" });
  display.clear();
  display.end();
  t.is(cli.stderr(), "");
});
