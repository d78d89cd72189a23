import test from "ava";
import { FORMAT_NAMES } from "../../../pipeline/disk-format.ts";
import { CONTAINERS, SAFETY_RULES } from "../../../validators/container/index.ts";

test("CONTAINERS has every format under its own name", (t) => {
  for (const format of FORMAT_NAMES) t.is(CONTAINERS[format].format, format);
});

test("SAFETY_RULES have names of their own, and say what to do in one sentence without full stop", (t) => {
  t.true(SAFETY_RULES.length >= 45, `there are ${SAFETY_RULES.length} rules only`);
  t.is(new Set(SAFETY_RULES.map(({ id }) => id)).size, SAFETY_RULES.length);
  for (const { id, reads, refuses, remedy } of SAFETY_RULES) {
    t.regex(id, /^[a-z0-9-]+$/);
    for (const text of [reads, refuses, remedy]) t.regex(text, /[^.\s]$/, id);
    t.regex(remedy, /^[A-Z]/, id);
  }
});
