import test from "ava";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { expectSize } from "../../../stages/transforms/expect-size.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { transformContract } from "./contract.ts";

const content = seededDisk("size", { sizeBytes: 200_000 });

transformContract(test, {
  symbol: "expectSize()",
  stage: () => expectSize(200_000, "disk.img"),
  input: async () => content,
  output: async () => content,
  whenEmpty: { code: "SIZE_MISMATCH" },
  pullsAhead: 0,
});

test("expectSize() fails with SIZE_MISMATCH for one byte too few or too many, saying both sizes", async (t) => {
  for (const sizeBytes of [199_999, 200_001]) {
    const error = await failure(() =>
      collect(expectSize(sizeBytes, "disk.img").transform(chunked(content), testContext())),
    );
    t.is(error.code, "SIZE_MISMATCH");
    t.regex(error.message, new RegExp(`"disk\\.img".*200000.*${sizeBytes}`));
  }
});

test("expectSize() of nothing takes nothing", async (t) => {
  t.is((await collect(expectSize(0, "x").transform(chunked(Buffer.alloc(0)), testContext()))).byteLength, 0);
  t.throws(() => expectSize(-1, "x"), { instanceOf: RangeError });
});
