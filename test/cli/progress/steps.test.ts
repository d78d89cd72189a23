import test from "ava";
import { stepBoard } from "../../../cli/progress/steps.ts";

const MIB = 1024 * 1024;

/** A board whose time stands still until it is moved. */
function board() {
  const clock = { ms: 1000 };
  const steps = stepBoard(() => clock.ms);
  const moved = (step: string, doneBytes: number, ownMs = 0) =>
    steps.report({ kind: "moved", step, doneBytes, totalBytes: 100 * MIB, ownMs });
  return { clock, steps, moved };
}

test("views() gives rate and time left of a step that runs", (t) => {
  const { clock, steps, moved } = board();
  steps.report({ kind: "started", step: "read", totalBytes: 100 * MIB });
  t.deepEqual(steps.views(), [
    { step: "read", isRunning: true, doneBytes: 0, bytesPerSecond: 0, totalBytes: 100 * MIB },
  ]);
  clock.ms += 1000;
  moved("read", 20 * MIB);
  t.like(steps.views()[0], { bytesPerSecond: 20 * MIB, remainingMs: 4000 });
});

test("views() lets the rate fall while nothing is reported", (t) => {
  const { clock, steps, moved } = board();
  steps.report({ kind: "started", step: "read" });
  clock.ms += 1000;
  moved("read", 20 * MIB);
  clock.ms += 9000;
  t.is(steps.views()[0]!.bytesPerSecond, 2 * MIB);
});

test("views() forgets the rate of long ago", (t) => {
  const { clock, steps, moved } = board();
  steps.report({ kind: "started", step: "read" });
  for (let second = 1; second <= 20; second++) {
    clock.ms += 1000;
    moved("read", second <= 10 ? second * MIB : 10 * MIB + (second - 10) * 3 * MIB);
  }
  t.is(steps.views()[0]!.bytesPerSecond, 3 * MIB);
});

test("views() gives the average of a step that has finished", (t) => {
  const { clock, steps } = board();
  steps.report({ kind: "started", step: "read", totalBytes: 10 * MIB });
  clock.ms += 2000;
  steps.report({ kind: "finished", step: "read", doneBytes: 10 * MIB, ownMs: 1 });
  clock.ms += 60_000;
  t.deepEqual(steps.views(), [
    { step: "read", isRunning: false, doneBytes: 10 * MIB, bytesPerSecond: 5 * MIB, totalBytes: 10 * MIB },
  ]);
});

test("views() lists steps in the order in which the bytes pass, though the last one starts first", (t) => {
  const { steps, moved } = board();
  const order = () => steps.views().map(({ step }) => step);
  for (const step of ["write", "inflate", "read"]) steps.report({ kind: "started", step });
  t.deepEqual(order(), ["read", "inflate", "write"]);
  moved("write", MIB);
  steps.report({ kind: "started", step: "check" });
  t.deepEqual(order(), ["read", "inflate", "write", "check"]);
});

test("a step that comes again starts anew, behind the others", (t) => {
  const { steps, moved } = board();
  steps.report({ kind: "started", step: "digest" });
  moved("digest", MIB);
  steps.report({ kind: "started", step: "write" });
  moved("write", 0);
  steps.report({ kind: "started", step: "digest" });
  t.deepEqual(
    steps.views().map(({ step, doneBytes }) => [step, doneBytes]),
    [
      ["write", 0],
      ["digest", 0],
    ],
  );
});

test("bottleneck() names the running step with the most time of its own, and its share", (t) => {
  const { clock, steps, moved } = board();
  for (const step of ["read", "inflate", "write"]) steps.report({ kind: "started", step });
  clock.ms += 999;
  t.is(steps.bottleneck(), undefined);
  clock.ms += 1001;
  moved("read", MIB, 300);
  moved("inflate", MIB, 1500);
  moved("write", MIB, 200);
  t.deepEqual(steps.bottleneck(), { step: "inflate", share: 0.75 });
  steps.report({ kind: "finished", step: "inflate", doneBytes: MIB, ownMs: 1500 });
  t.deepEqual(steps.bottleneck(), { step: "read", share: 0.15 });
});

test("bottleneck() names none where one step runs alone, or nothing runs", (t) => {
  const { clock, steps, moved } = board();
  t.is(steps.bottleneck(), undefined);
  steps.report({ kind: "started", step: "convert" });
  clock.ms += 5000;
  moved("convert", MIB, 5000);
  t.is(steps.bottleneck(), undefined);
});

test("report() passes over notes and steps that were never started", (t) => {
  const { steps, moved } = board();
  moved("ghost", MIB);
  steps.report({ kind: "note", step: "read", text: "x" });
  t.deepEqual(steps.views(), []);
});
