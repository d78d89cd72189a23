import test from "ava";
import { DEFAULT_LIMITS } from "../../../pipeline/context.ts";
import { prefixView } from "../../../validators/container/image-view.ts";
import {
  applied,
  brokenIf,
  container,
  type RuleText,
  unlessFound,
} from "../../../validators/container/rule.ts";

const text: RuleText = {
  id: "x",
  reads: "a",
  refuses: "b",
  severity: "error",
  code: "IMAGE_CORRUPT",
  remedy: "c",
};

test("applied() puts a rule and its verdict together, without the check itself", (t) => {
  const rule = { ...text, check: () => "holds" as const };
  t.deepEqual(applied(rule, "holds"), { ...text, outcome: "holds" });
  t.deepEqual(applied(rule, "unseen"), { ...text, outcome: "unseen" });
  t.deepEqual(applied(rule, { found: "it is" }), { ...text, outcome: "broken", found: "it is" });
});

test("brokenIf() and unlessFound() hold, or say what was found", (t) => {
  t.is(
    brokenIf(false, () => "x"),
    "holds",
  );
  t.deepEqual(
    brokenIf(true, () => "x"),
    { found: "x" },
  );
  t.is(unlessFound(undefined), "holds");
  t.deepEqual(unlessFound("x"), { found: "x" });
});

test("container() reads once and asks every rule in order", async (t) => {
  let readCount = 0;
  const counting = container<number>({
    format: "raw",
    read: ({ head }) => Promise.resolve(head.byteLength + 0 * readCount++),
    virtualSizeBytes: (facts) => facts * 2,
    rules: [
      {
        ...text,
        id: "first",
        check: (facts, { maxImageBytes }) => brokenIf(facts > maxImageBytes, () => "large"),
      },
      { ...text, id: "second", check: (facts) => brokenIf(facts === 3, () => "three") },
    ],
  });
  const { virtualSizeBytes, results } = await counting.examine(prefixView(Buffer.alloc(3)), {
    ...DEFAULT_LIMITS,
    maxImageBytes: 3,
  });
  t.is(virtualSizeBytes, 6);
  t.deepEqual(
    results.map(({ id, outcome }) => [id, outcome]),
    [
      ["first", "holds"],
      ["second", "broken"],
    ],
  );
  t.is(counting.rules.length, 2);
  t.is(readCount, 1);
});
