import test from "ava";
import { ImportError } from "../../pipeline/errors.ts";
import { retry } from "../../pipeline/retry.ts";

const unavailable = () => new ImportError("SOURCE_UNAVAILABLE", "Cannot reach it");

function clock() {
  const pausesMs: number[] = [];
  return { pausesMs, pause: async (ms: number) => void pausesMs.push(ms) };
}

test("retry() tries again after a retryable error and gives the result", async (t) => {
  const { pausesMs, pause } = clock();
  const result = await retry(
    async (attempt) => {
      if (attempt < 3) throw unavailable();
      return attempt;
    },
    { signal: new AbortController().signal, pause },
  );
  t.is(result, 3);
  t.is(pausesMs.length, 2);
  t.true(pausesMs[0]! >= 125 && pausesMs[0]! <= 375, "the first pause is 250 ms give or take a half");
  t.true(pausesMs[1]! >= 250 && pausesMs[1]! <= 750, "the second is doubled");
});

test("retry() throws the last error once the tries are used up", async (t) => {
  let attempts = 0;
  const { pause } = clock();
  await t.throwsAsync(
    retry(
      async () => {
        attempts++;
        throw unavailable();
      },
      { signal: new AbortController().signal, pause, tryCount: 4 },
    ),
    { message: "Cannot reach it" },
  );
  t.is(attempts, 4);
});

test("retry() does not try a terminal error again", async (t) => {
  let attempts = 0;
  await t.throwsAsync(
    retry(
      async () => {
        attempts++;
        throw new ImportError("SOURCE_FORBIDDEN", "No");
      },
      { signal: new AbortController().signal },
    ),
  );
  t.is(attempts, 1);
});

test("retry() ends with the reason of the signal, also during a pause", async (t) => {
  const controller = new AbortController();
  const reason = new Error("stop");
  const error = await t.throwsAsync(
    retry(
      async () => {
        queueMicrotask(() => controller.abort(reason));
        throw unavailable();
      },
      { signal: controller.signal, firstPauseMs: 60_000 },
    ),
  );
  t.true(error === reason || error.cause === reason);
});
