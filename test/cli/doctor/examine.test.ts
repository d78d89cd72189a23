import test from "ava";
import type { Check } from "../../../cli/doctor/check.ts";
import { CHECKS, examine } from "../../../cli/doctor/examine.ts";
import { ImportError } from "../../../pipeline/errors.ts";
import { withRun } from "../../../worker/run-context.ts";

const good: Check = { name: "good", look: () => Promise.resolve({ ok: true, detail: "fine" }) };

function broken(thrown: unknown): Check {
  return {
    name: "broken",
    async look() {
      await Promise.resolve();
      throw thrown;
    },
  };
}

async function examined(checks: readonly Check[], signal = new AbortController().signal) {
  return withRun({ signal }, (context) => examine(context, {}, checks));
}

test("examine() makes a diagnosis of what a check throws, and goes on", async (t) => {
  const error = new ImportError("PROGRAM_MISSING", "Cannot run it", { remedy: "Install it" });
  t.deepEqual(await examined([broken(error), broken(new Error("other")), broken("odd"), good]), [
    { name: "broken", ok: false, detail: "Cannot run it", fix: "Install it" },
    { name: "broken", ok: false, detail: "other" },
    { name: "broken", ok: false, detail: "odd" },
    { name: "good", ok: true, detail: "fine" },
  ]);
});

test("examine() ends with the reason of an abort, also one in the middle of a check", async (t) => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const aborting: Check = {
    name: "aborting",
    look: () => {
      controller.abort(reason);
      return Promise.reject(new Error("broken by the abort"));
    },
  };
  t.is(await t.throwsAsync(examined([aborting, good], controller.signal)), reason);
});

test("CHECKS has no name twice", (t) => {
  t.true(CHECKS.length >= 10);
  t.is(new Set(CHECKS.map(({ name }) => name)).size, CHECKS.length);
});
