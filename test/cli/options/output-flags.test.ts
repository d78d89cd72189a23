import test from "ava";
import { outputMode } from "../../../cli/options/output-flags.ts";

const QUIET = { json: false, quiet: false, trace: false };

for (const [flags, mode] of [
  [{}, QUIET],
  [{ progress: true }, QUIET],
  [{ progress: false }, { ...QUIET, progress: "none" }],
  [{ progress: "json" }, { ...QUIET, progress: "json" }],
  [{ debug: true }, { ...QUIET, trace: true }],
  [
    { json: true, quiet: true, trace: true },
    { json: true, quiet: true, trace: true },
  ],
] as const) {
  test(`outputMode() reads ${JSON.stringify(flags)}`, (t) => {
    t.deepEqual(outputMode(flags), mode);
  });
}
