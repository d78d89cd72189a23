import { execFileSync } from "node:child_process";
import test from "ava";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { decompress } from "../../../stages/transforms/decompress.ts";
import { transformContract } from "./contract.ts";

// What several kinds have in common is tested in decompress.test.ts.

const content = seededDisk("contract", { sizeBytes: 200_000 });

transformContract(test, {
  symbol: "unxz() in decompress()",
  stage: () => decompress("xz"),
  input: async () => execFileSync("xz", ["-c"], { input: content }),
  output: async () => content,
  whenEmpty: { code: "DECOMPRESSION_FAILED" },
  pullsAhead: 3,
});
