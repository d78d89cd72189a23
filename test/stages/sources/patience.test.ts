import test from "ava";
import { ImportError } from "../../../pipeline/errors.ts";
import { retry } from "../../../pipeline/retry.ts";
import { BusyError } from "../../../stages/sources/http-errors.ts";
import { patient } from "../../../stages/sources/patience.ts";

test("patient() pauses as long as the server asks, and never shorter than the policy", async (t) => {
  const pauses: number[] = [];
  const attempts: number[] = [];
  const failures = [
    new BusyError("busy", 5000, {}),
    new ImportError("SOURCE_UNAVAILABLE", "gone"),
    new BusyError("busy", 0, {}),
  ];
  const options = patient({
    signal: new AbortController().signal,
    firstPauseMs: 100,
    onRetry: (_error, attempt) => void attempts.push(attempt),
    pause: (ms) => Promise.resolve(void pauses.push(ms)),
  });
  await retry(() => {
    const error = failures.shift();
    return error === undefined ? Promise.resolve() : Promise.reject(error);
  }, options);
  t.is(pauses[0], 5000);
  t.true(pauses[1]! >= 100 && pauses[1]! < 5000);
  t.true(pauses[2]! >= 200);
  t.deepEqual(attempts, [1, 2, 3]);
});
