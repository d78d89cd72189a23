import test from "ava";
import { planText, scratchText } from "../../cli/plan-text.ts";

test("planText() prints route, scratch and one line a step", (t) => {
  const text = planText({
    route: "spool",
    method: "convert",
    spoolsSource: true,
    spoolsResult: false,
    scratchBytes: 1024 ** 3,
    steps: [
      { step: "spool", does: "fetch it", bytes: 1024 ** 3 },
      { step: "convert", does: "convert it" },
    ],
  });
  t.deepEqual(text.split("\n"), [
    "route    spool: an intermediate file is made in scratch space",
    "scratch  up to 1 GiB (1073741824 bytes)",
    "",
    "1  spool    up to 1 GiB  fetch it",
    "2  convert               convert it",
  ]);
});

for (const [bytes, text] of [
  [0, /^none$/],
  [1, /^up to 1 byte$/],
  [undefined, /only reading it tells/],
] as const) {
  test(`scratchText(${bytes}) does not promise what is not known`, (t) => {
    t.regex(scratchText(bytes), text);
  });
}
