import test from "ava";
import { ImportError } from "../../pipeline/errors.ts";
import { noteRetry } from "../../stages/remote.ts";
import { testContext } from "../support/context.ts";

test("noteRetry() logs what is tried again and why", (t) => {
  const lines: unknown[] = [];
  const context = testContext({ log: { debug: (...line) => void lines.push(line), warn: t.fail } });
  noteRetry("read", context)(new ImportError("SOURCE_UNAVAILABLE", "Cannot read"), 2);
  t.deepEqual(lines, [
    ["trying again", { step: "read", attempt: 2, code: "SOURCE_UNAVAILABLE", reason: "Cannot read" }],
  ]);
});
