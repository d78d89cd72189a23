import test from "ava";
import { runSettings } from "../../../cli/options/run-flags.ts";

test("runSettings() leaves to the run what no flag decides", (t) => {
  t.deepEqual(runSettings({}), { scratch: {}, limits: {} });
});

test("runSettings() hands on every flag", (t) => {
  const flags = { scratchDir: "/s", scratchLimit: 1, keepScratch: true, maxSize: 2, maxRatio: 3 };
  t.deepEqual(runSettings(flags), {
    scratch: { parentFolder: "/s", limitBytes: 1, keep: true },
    limits: { maxImageBytes: 2, maxRatio: 3 },
  });
});
