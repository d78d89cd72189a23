import test from "ava";
import { Interrupted } from "../../cli/interrupted.ts";
import { causeChain, describeFailure, failureText } from "../../cli/render-error.ts";
import { ERRORS, type ErrorCode, ImportError } from "../../pipeline/errors.ts";

const codes = Object.keys(ERRORS).filter((code): code is ErrorCode => code in ERRORS);

for (const code of codes) {
  test(`describeFailure() keeps ${code}, and whether trying again may help`, (t) => {
    t.like(describeFailure(new ImportError(code, "Cannot do it")), {
      code,
      retryable: ERRORS[code].retryable,
    });
  });
}

for (const [what, error, code, status] of [
  ["an interruption", new Interrupted("SIGTERM"), "INTERRUPTED", 143],
  ["another Error", new TypeError("x"), "INTERNAL", 70],
  ["what is no Error", { odd: true }, "INTERNAL", 70],
] as const) {
  test(`describeFailure() makes ${code} of ${what}`, (t) => {
    t.like(describeFailure(error), { code, exitStatus: status });
  });
}

test("failureText() has no line about what to do where nothing can be said", (t) => {
  t.is(
    failureText(describeFailure(new ImportError("IMAGE_CORRUPT", 'Cannot read "a"'))),
    'diskferry: IMAGE_CORRUPT Cannot read "a"',
  );
});

test("causeChain() gives every cause, of any kind, and ends in a ring", (t) => {
  const inner = new Error("inner");
  const chain = causeChain(
    new ImportError("INTERNAL", "outer", { cause: new Error("middle", { cause: inner }) }),
  );
  t.is(chain.length, 3);
  t.regex(chain[0]!, /^ImportError: outer/);
  t.regex(chain[2]!, /^caused by Error: inner/);
  t.regex(causeChain(new Error("x", { cause: "text" }))[1]!, /^caused by 'text'$/);
  const ring = new Error("ring");
  ring.cause = ring;
  t.is(causeChain(ring).length, 10);
});
