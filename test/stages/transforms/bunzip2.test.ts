import { execFileSync } from "node:child_process";
import test from "ava";
import fc from "fast-check";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { decompress } from "../../../stages/transforms/decompress.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { PROPERTY_RUNS, transformContract } from "./contract.ts";

// What several kinds have in common is tested in decompress.test.ts.

const content = seededDisk("contract", { sizeBytes: 200_000 });

transformContract(test, {
  symbol: "bunzip2() in decompress()",
  stage: () => decompress("bzip2"),
  input: async () => execFileSync("bzip2", ["-c"], { input: content }),
  output: async () => content,
  whenEmpty: { code: "DECOMPRESSION_FAILED" },
  pullsAhead: 64,
});

const run = (packed: Uint8Array): Promise<Buffer> =>
  collect(decompress("bzip2").transform(chunked(packed), testContext()));

for (const level of ["-1", "-5", "-9"]) {
  test(`bunzip2() reads what bzip2 ${level} made of runs, text and noise, over several blocks`, async (t) => {
    const runs = Buffer.concat(
      [0, 1, 3, 4, 5, 255, 259, 260, 100_000].map((length) => Buffer.alloc(length + 1, length)),
    );
    const input = Buffer.concat([runs, seededDisk("blocks", { sizeBytes: 1_500_000, every: 2 }), runs]);
    t.true((await run(execFileSync("bzip2", [level, "-c"], { input }))).equals(input));
  });
}

test("bunzip2() reads every byte value alone, and random short inputs", async (t) => {
  for (const value of [0, 1, 127, 255]) {
    const input = Buffer.of(value);
    t.true((await run(execFileSync("bzip2", ["-c"], { input }))).equals(input));
  }
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (input) =>
      (await run(execFileSync("bzip2", ["-c"], { input }))).equals(input),
    ),
    { numRuns: PROPERTY_RUNS },
  );
});
