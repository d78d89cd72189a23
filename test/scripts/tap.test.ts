import test from "ava";
import { unsound } from "../../scripts/run-tests.ts";
import { formatCounts, tapReader } from "../../scripts/tap.ts";

/** As `ava --tap` 8.0.1 writes it. */
const REPORT = `TAP version 13
ok 1 - units › formatBytes() rounds
ok 2 - s3 › s3Source() reads [needs radosgw] # SKIP
ok 3 - later # TODO
not ok 4 - run › runStream() commits
  ---
    name: AssertionError
    message: "1..9"
  ...
# run › a log line
not ok 5 - test/crash.test.ts exited with a non-zero exit code: 1
---TAIL---
1..4
# tests 3
# pass 1
# skip 1
# fail 2

Lines : 95%`.split("\n");

test("tapReader() counts passes, failures, crashes and skips, and shows the rest as it is", (t) => {
  const tap = tapReader();
  const shown = REPORT.map((line) => tap.read(line)).filter((line) => line !== undefined);
  t.deepEqual({ ...tap.counts }, { passed: 1, failed: 2, skipped: 2 });
  t.deepEqual(tap.failures, [
    "run › runStream() commits",
    "test/crash.test.ts exited with a non-zero exit code: 1",
  ]);
  t.true(tap.complete);
  t.true(shown.includes("✔ units › formatBytes() rounds"));
  t.true(shown.includes('    message: "1..9"'));
  t.true(shown.includes("Lines : 95%"));
});

test("tapReader() is not complete when the runner died before its plan", (t) => {
  const tap = tapReader();
  for (const line of REPORT.slice(0, REPORT.indexOf("---TAIL---"))) tap.read(line);
  t.false(tap.complete);
});

test("unsound() gives a reason for every run that must not count as good", (t) => {
  const good = { passed: 3, failed: 0, skipped: 1 };
  t.is(unsound(true, good, 0), undefined);
  t.regex(unsound(false, good, 0) ?? "", /before it had closed/);
  t.regex(unsound(true, { ...good, passed: 0 }, 0) ?? "", /no test ran/);
  t.regex(unsound(true, good, 1) ?? "", /coverage/);
  t.is(unsound(true, { ...good, failed: 2 }, 1), undefined, "counted already");
});

test("formatCounts() is the plain last line", (t) => {
  t.is(formatCounts({ passed: 12, failed: 0, skipped: 0 }), "12 passed, 0 failed");
  t.is(formatCounts({ passed: 12, failed: 1, skipped: 2 }), "12 passed, 1 failed, 2 skipped");
});
