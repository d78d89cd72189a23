import test from "ava";
import { uploadPlan } from "../../../stages/destinations/s3-upload.ts";
import { failure } from "../../support/errors.ts";

const MIB = 1024 * 1024;

test("uploadPlan() fits every size into ten thousand parts and 64 MiB", (t) => {
  for (const sizeBytes of [
    undefined,
    0,
    1,
    160_000 * MIB - 1,
    160_000 * MIB,
    160_000 * MIB + 1,
    320_000 * MIB,
    640_000 * MIB,
  ]) {
    const { partSize, queueSize } = uploadPlan(sizeBytes);
    t.true(partSize * 10_000 >= (sizeBytes ?? 0));
    t.true(queueSize >= 1);
    t.true(queueSize * partSize <= 64 * MIB);
  }
  t.deepEqual(uploadPlan(160_000 * MIB), { partSize: 16 * MIB, queueSize: 3 });
  t.deepEqual(uploadPlan(160_000 * MIB + 1), { partSize: 17 * MIB, queueSize: 2 });
});

test("uploadPlan() fails with SIZE_EXCEEDED for what would need more memory", async (t) => {
  t.is((await failure(() => uploadPlan(640_000 * MIB + 1))).code, "SIZE_EXCEEDED");
});
