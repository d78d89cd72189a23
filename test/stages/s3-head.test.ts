import { headObject, unquoted } from "../../stages/s3-head.ts";
import { testContext } from "../support/context.ts";
import { failure } from "../support/errors.ts";
import { requires } from "../support/requires.ts";
import { s3Bucket } from "../support/s3-bucket.ts";
import { S3_PROGRAMS } from "../support/s3-server.ts";

const test = requires(...S3_PROGRAMS);

test("headObject() gives size and bare ETag", async (t) => {
  const { bucket, access, put } = await s3Bucket();
  await put("k", Buffer.from("abc"));
  const attempt = { action: "read", name: "s3://b/k", side: "source" } as const;
  const head = await headObject(access, { bucket, key: "k" }, attempt, testContext());
  t.deepEqual(head, { sizeBytes: 3, etag: "900150983cd24fb0d6963f7d28e17f72" });
});

test("headObject() learns by a GET why a HEAD was refused", async (t) => {
  const { bucket, accessWith, server } = await s3Bucket();
  const access = accessWith({ credentials: { accessKeyId: server.accessKeyId, secretAccessKey: "wrong" } });
  const attempt = { action: "read", name: "s3://b/k", side: "source" } as const;
  const error = await failure(() => headObject(access, { bucket, key: "k" }, attempt, testContext()));
  t.regex(error.message, /the signature does not match$/);
});

test("unquoted() takes off the quotes that some stores forget", (t) => {
  t.is(unquoted('"abc-2"'), "abc-2");
  t.is(unquoted("abc-2"), "abc-2");
  t.is(unquoted('""'), undefined);
  t.is(unquoted(undefined), undefined);
});
