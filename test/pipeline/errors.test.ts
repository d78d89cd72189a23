import { open } from "node:fs/promises";
import test from "ava";
import { ERRORS, ImportError, systemCode } from "../../pipeline/errors.ts";

test("ImportError carries code, remedy, step and cause, and asks the table whether it is retryable", (t) => {
  const cause = new Error("socket hang up");
  const error = new ImportError("SOURCE_UNAVAILABLE", "Cannot read", {
    remedy: "Try later",
    step: "read",
    cause,
  });
  t.like(error, {
    name: "ImportError",
    code: "SOURCE_UNAVAILABLE",
    remedy: "Try later",
    step: "read",
    cause,
  });
  t.true(error.retryable);
  t.false(new ImportError("INTERNAL", "x").retryable);
  t.false("cause" in new ImportError("INTERNAL", "x"));
});

test("ERRORS says a meaning for every code, in one sentence without full stop", (t) => {
  const codes = Object.entries(ERRORS);
  t.true(codes.length > 30);
  for (const [code, { meaning }] of codes) {
    t.regex(code, /^[A-Z]+(_[A-Z]+)*$/);
    t.regex(meaning, /^[A-Z].*[^.]$/);
  }
});

test("systemCode() gives the code of a system error and nothing of others", async (t) => {
  const error = await t.throwsAsync(open("/does/not/exist"));
  t.is(systemCode(error), "ENOENT");
  t.is(systemCode(new Error("x")), undefined);
  t.is(systemCode("ENOENT"), undefined);
});
