import test from "ava";
import { factsText, tableText } from "../../cli/table.ts";

test("tableText() aligns columns and leaves no blanks at the end of a line", (t) => {
  t.is(tableText([["a", "bb", "c"], ["ddd", "e", "ff"], ["g"]]), "a    bb  c\nddd  e   ff\ng");
  t.is(tableText([]), "");
});

test("factsText() leaves out what has no value", (t) => {
  t.is(
    factsText([
      ["one", "1"],
      ["two", undefined],
      ["three", "3"],
    ]),
    "one    1\nthree  3",
  );
});
