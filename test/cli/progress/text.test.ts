import test from "ava";
import type { StepView } from "../../../cli/progress/steps.ts";
import { liveLines, plainLine } from "../../../cli/progress/text.ts";

const GIB = 1024 ** 3;
const views: readonly StepView[] = [
  {
    step: "read",
    isRunning: true,
    doneBytes: GIB,
    totalBytes: 4 * GIB,
    bytesPerSecond: GIB / 4,
    remainingMs: 12_000,
  },
  { step: "decompress", isRunning: true, doneBytes: 2 * GIB, bytesPerSecond: GIB / 2 },
  { step: "check", isRunning: false, doneBytes: GIB, bytesPerSecond: GIB, totalBytes: GIB },
];
const bottleneck = { step: "decompress", share: 0.714 };

test("liveLines() gives a line a step, aligned, with a bar where a total is known, and names the bottleneck", (t) => {
  t.deepEqual(liveLines(views, bottleneck, 120), [
    "  read        [#####---------------]  1 GiB of 4 GiB (25%), 256 MiB/s, 12.0 s left",
    "  decompress                          2 GiB, 512 MiB/s",
    "  check       [####################]  1 GiB, 1 GiB/s, done",
    "  slowest: decompress (busy 71% of the time)",
  ]);
});

test("liveLines() has no bar in a narrow window and never fills its last column, where terminals would wrap", (t) => {
  t.deepEqual(liveLines(views.slice(0, 1), undefined, 60), [
    "  read  1 GiB of 4 GiB (25%), 256 MiB/s, 12.0 s left",
  ]);
  for (const columns of [1, 20, 40, 89, 90]) {
    for (const line of liveLines(views, bottleneck, columns)) t.true(line.length <= Math.max(1, columns - 1));
  }
});

test("liveLines() does not go past 100% when more comes than was announced, and takes an empty source", (t) => {
  const more = { step: "read", isRunning: true, doneBytes: 3, totalBytes: 2, bytesPerSecond: 1 };
  t.regex(liveLines([more], undefined, 120)[0]!, /\[#{20}\].*\(100%\)/);
  const empty = { step: "read", isRunning: true, doneBytes: 0, totalBytes: 0, bytesPerSecond: 0 };
  t.regex(liveLines([empty], undefined, 120)[0]!, /\(100%\)/);
});

test("plainLine() tells of everything that runs in one line", (t) => {
  t.is(
    plainLine(views, bottleneck),
    "read 1 GiB of 4 GiB (25%), 256 MiB/s, 12.0 s left; decompress 2 GiB, 512 MiB/s; slowest: decompress (busy 71% of the time)",
  );
  t.is(plainLine(views.slice(2), undefined), "");
});
