import test from "ava";
import { inTurn, isMet, median, resultTable } from "../bench/result.ts";

test("median() is the middle of what was measured, in any order", (t) => {
  t.is(median([3]), 3);
  t.is(median([9, 1, 5]), 5);
  t.is(median([4, 1, 2, 100]), 3);
  t.throws(() => median([]), { instanceOf: RangeError });
});

test("inTurn() runs the tasks in turn and does not count the first round", async (t) => {
  const order: string[] = [];
  const samples = await inTurn({ a: async () => order.push("a"), b: async () => order.push("b") }, 3);
  t.deepEqual(order, ["a", "b", "a", "b", "a", "b", "a", "b"]);
  t.is(samples.a.length, 3);
  t.is(samples.b.length, 3);
});

test("isMet() and resultTable() tell a promise kept from one broken", (t) => {
  const result = { name: "x", title: "ours by theirs", value: 2.5, unit: "ratio", samples: {} } as const;
  t.is(isMet(result), undefined);
  t.true(isMet({ ...result, target: { atLeast: 2.5 } }));
  t.false(isMet({ ...result, target: { atLeast: 3 } }));
  t.true(isMet({ ...result, target: { atMost: 2.5 } }));
  t.false(isMet({ ...result, target: { atMost: 2.4 } }));
  const table = resultTable([
    { ...result, target: { atLeast: 3 } },
    { ...result, unit: "MiB", value: 200.4 },
  ]);
  t.is(
    table,
    "✗  x  2.50×    ≥ 3  ours by theirs\n   x  200 MiB       ours by theirs".replace("\n   ", "\n   "),
  );
});
