import { ensureBucket, grant, granting, removeBucket } from "../../../cli/bundle/bucket.ts";
import { headObject } from "../../../stages/s3-head.ts";
import type { PartStore } from "../../../stages/part-store.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { requires } from "../../support/requires.ts";
import { s3Bucket } from "../../support/s3-bucket.ts";
import { S3_PROGRAMS } from "../../support/s3-server.ts";

const test = requires(...S3_PROGRAMS);
const context = testContext();

test("ensureBucket() makes a bucket once, and removeBucket() takes it away", async (t) => {
  const store = await s3Bucket();
  const bucket = `${store.bucket}-made`;
  await ensureBucket(bucket, store.access, context);
  await ensureBucket(bucket, store.access, context);
  await removeBucket(bucket, store.access, context);
  const error = await failure(() => removeBucket(bucket, store.access, context));
  t.is(error.code, "DESTINATION_NOT_FOUND");
});

test("removeBucket() throws DESTINATION_EXISTS for one that holds something, and leaves it", async (t) => {
  const store = await s3Bucket();
  await store.put("a", Buffer.from("x"));
  const error = await failure(() => removeBucket(store.bucket, store.access, context));
  t.is(error.code, "DESTINATION_EXISTS");
  t.truthy(await store.get("a"));
});

test("ensureBucket() leaves it to the upload where these credentials may not look", async (t) => {
  const store = await s3Bucket();
  const credentials = { accessKeyId: "nobody", secretAccessKey: "nothing" };
  const bucket = `${store.bucket}-x`;
  await ensureBucket(bucket, store.accessWith({ credentials }), context);
  t.is((await failure(() => removeBucket(bucket, store.access, context))).code, "DESTINATION_NOT_FOUND");
});

test("grant() lets others read", async (t) => {
  const store = await s3Bucket();
  await store.put("a", Buffer.from("x"));
  const at = { bucket: store.bucket, key: "a" };
  const anonymous = store.accessWith({ anonymous: true });
  const look = () => headObject(anonymous, at, { action: "read", name: "a", side: "source" }, context);
  t.is((await failure(look)).code, "SOURCE_FORBIDDEN");
  await grant("public-read", at, store.access, context);
  t.is((await look()).sizeBytes, 1);
});

test("granting() gives access to what a store publishes, after it was published, and to nothing without an ACL", async (t) => {
  const store = await s3Bucket();
  await store.put("p/a", Buffer.from("x"));
  const published: string[] = [];
  const parts: PartStore = {
    name: "parts",
    prepare: () => Promise.resolve(),
    write: () => Promise.resolve(),
    publish: (fileNames) => Promise.resolve(void published.push(...fileNames)),
    remove: () => Promise.resolve(),
  };
  const at = { bucket: store.bucket, prefix: "p/" };
  t.is(granting(undefined, at, store.access, parts), parts);
  await granting("public-read", at, store.access, parts).publish(["a"], context);
  t.deepEqual(published, ["a"]);
  const anonymous = store.accessWith({ anonymous: true });
  const attempt = { action: "read", name: "a", side: "source" } as const;
  t.is((await headObject(anonymous, { bucket: store.bucket, key: "p/a" }, attempt, context)).sizeBytes, 1);
});
