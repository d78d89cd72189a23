import { createHash } from "node:crypto";
import test from "ava";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { verify } from "../../../stages/transforms/verify.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { transformContract } from "./contract.ts";

const content = seededDisk("verify", { sizeBytes: 200_000 });
const digestOf = (algorithm: string): string => createHash(algorithm).update(content).digest("hex");

for (const algorithm of ["sha1", "sha256", "md5"] as const) {
  transformContract(test, {
    symbol: `verify() by ${algorithm}`,
    stage: () => verify({ algorithm, digest: digestOf(algorithm).toUpperCase(), what: "disk.img" }),
    input: async () => content,
    output: async () => content,
    whenEmpty: { code: "CHECKSUM_MISMATCH" },
    pullsAhead: 0,
  });

  test(`verify() fails with CHECKSUM_MISMATCH for one changed bit, naming both digests (${algorithm})`, async (t) => {
    const changed = Buffer.from(content);
    changed[123_456] = (changed[123_456] ?? 0) ^ 1;
    const digest = digestOf(algorithm);
    const stage = verify({ algorithm, digest, what: "disk.img" });
    const error = await failure(() => collect(stage.transform(chunked(changed), testContext())));
    t.is(error.code, "CHECKSUM_MISMATCH");
    t.true(error.message.includes(digest));
    t.true(error.message.includes(createHash(algorithm).update(changed).digest("hex")));
  });
}

test("verify() refuses a digest that cannot be one of its algorithm", (t) => {
  for (const digest of ["", "abc", "g".repeat(40), "a".repeat(64)]) {
    t.throws(() => verify({ algorithm: "sha1", digest, what: "x" }), { instanceOf: RangeError });
  }
});
