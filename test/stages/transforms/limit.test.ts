import test from "ava";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { limit } from "../../../stages/transforms/limit.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { transformContract } from "./contract.ts";

const content = seededDisk("limit", { sizeBytes: 200_000 });

transformContract(test, {
  symbol: "limit()",
  stage: () => limit(200_000, "disk.img"),
  input: async () => content,
  output: async () => content,
  whenEmpty: "nothing",
  pullsAhead: 0,
});

test("limit() fails with SIZE_EXCEEDED at the first byte too many, before it is passed on", async (t) => {
  let seenBytes = 0;
  const error = await failure(async () => {
    for await (const chunk of limit(199_999, "disk.img").transform(chunked(content, 1000), testContext())) {
      seenBytes += chunk.byteLength;
    }
  });
  t.is(error.code, "SIZE_EXCEEDED");
  t.is(seenBytes, 199_000);
  t.true((await collect(limit(200_001, "x").transform(chunked(content), testContext()))).equals(content));
});

test("limit() refuses limits that are no sizes", (t) => {
  for (const bytes of [-1, 0.5, Number.NaN, Infinity])
    t.throws(() => limit(bytes, "x"), { instanceOf: RangeError });
});
