import { deleteS3Objects, listS3Keys } from "../../stages/s3-objects.ts";
import { testContext } from "../support/context.ts";
import { failure } from "../support/errors.ts";
import { requires } from "../support/requires.ts";
import { s3Bucket } from "../support/s3-bucket.ts";
import { S3_PROGRAMS } from "../support/s3-server.ts";

const test = requires(...S3_PROGRAMS);

test("listS3Keys() pages through more keys than one answer holds, deleteS3Objects() through more than it may name", async (t) => {
  const { bucket, access, put } = await s3Bucket();
  const keys = Array.from({ length: 1003 }, (_, index) => `parts/${String(index).padStart(5, "0")} ü&<`);
  for (let at = 0; at < keys.length; at += 50) {
    await Promise.all(keys.slice(at, at + 50).map((key) => put(key, Buffer.from("x"))));
  }
  await put("other", Buffer.from("x"));
  const context = testContext();
  t.deepEqual(await Array.fromAsync(listS3Keys(access, bucket, "parts/", context)), keys);
  await deleteS3Objects(access, bucket, [...keys, "never was"], context);
  t.deepEqual(await Array.fromAsync(listS3Keys(access, bucket, "", context)), ["other"]);
});

test("deleteS3Objects() fails with DESTINATION_FORBIDDEN without the right, DESTINATION_NOT_FOUND without the bucket", async (t) => {
  const { bucket, access, accessWith } = await s3Bucket();
  const anonymous = accessWith({ anonymous: true });
  const refused = await failure(() => deleteS3Objects(anonymous, bucket, ["k"], testContext()));
  t.is(refused.code, "DESTINATION_FORBIDDEN");
  const missing = await failure(() => deleteS3Objects(access, `${bucket}-none`, ["k"], testContext()));
  t.is(missing.code, "DESTINATION_NOT_FOUND");
});
