import test from "ava";
import { ImportError } from "../../pipeline/errors.ts";
import { formatS3Url, parseS3Url, s3Access, type S3Options } from "../../stages/s3-access.ts";
import { testContext } from "../support/context.ts";
import { failure } from "../support/errors.ts";

const attempt = { action: "read", name: "s3://b/k", side: "source" } as const;

test("parseS3Url() takes bucket and key literally", (t) => {
  for (const [bucket, key] of [
    ["b", "k"],
    ["my.bucket", "a/b//c d%20e?f#g"],
    ["b", "ü\n/"],
  ] as const) {
    t.deepEqual(parseS3Url(`s3://${bucket}/${key}`), { bucket, key });
    t.deepEqual(parseS3Url(formatS3Url({ bucket, key })), { bucket, key });
  }
});

test("parseS3Url() throws ARGUMENT_INVALID for anything else, without repeating a secret", async (t) => {
  for (const text of ["", "s3://", "s3://b", "s3://b/", "s3:///k", "http://b/k", "s3://key:secret@b/k"]) {
    const error = await failure(() => parseS3Url(text));
    t.is(error.code, "ARGUMENT_INVALID", text);
    t.false(error.message.includes("secret"));
  }
});

test("s3Access() throws ARGUMENT_INVALID at once for options that cannot be meant", async (t) => {
  const credentials = { accessKeyId: "a", secretAccessKey: "s" };
  const wrong: readonly S3Options[] = [
    { anonymous: true, credentials },
    { anonymous: true, profile: "p" },
    { endpoint: "s3.example.com" },
    { endpoint: "ftp://s3.example.com" },
    { endpoint: "https://user:secret@s3.example.com" },
    { endpoint: "https://s3.example.com/?secret" },
  ];
  for (const options of wrong) {
    const error = await failure(() => s3Access(options));
    t.is(error.code, "ARGUMENT_INVALID");
    t.false(error.message.includes("secret"));
  }
});

test("s3Access() speaks path style and any region to a store of its own, and follows regions at AWS", async (t) => {
  const own = await s3Access({ endpoint: "https://s3.example.com" }).open();
  t.true(own.client.config.forcePathStyle);
  t.is(await own.client.config.region(), "us-east-1");
  const aws = await s3Access({ region: "eu-west-1" }).open();
  t.false(aws.client.config.forcePathStyle);
  t.is(await aws.client.config.region(), "eu-west-1");
  t.true(aws.client.config.followRegionRedirects);
  const hosted = await s3Access({ endpoint: "https://s3.example.com", pathStyle: false }).open();
  t.false(hosted.client.config.forcePathStyle);
});

test("s3Access() passes on temporary credentials with their session token", async (t) => {
  const credentials = { accessKeyId: "a", secretAccessKey: "s", sessionToken: "t" };
  const { client } = await s3Access({ region: "x", credentials }).open();
  t.like(await client.config.credentials(), credentials);
});

test("s3Access().call() repeats what may pass, and once() does not", async (t) => {
  const access = s3Access({ region: "x", retry: { tryCount: 3, pause: async () => {} } });
  let count = 0;
  const busy = () => {
    count++;
    return Promise.reject(new ImportError("SOURCE_UNAVAILABLE", "busy"));
  };
  t.is((await failure(() => access.call(attempt, testContext(), busy))).message, "busy");
  t.is(count, 3);
  t.is((await failure(() => access.once(attempt, testContext(), busy))).message, "busy");
  t.is(count, 4);
});

test("s3Access().once() throws the reason of an abort as it is", async (t) => {
  const reason = new Error("enough");
  const context = testContext({ signal: AbortSignal.abort(reason) });
  const error = await t.throwsAsync(
    s3Access({ region: "x" }).once(attempt, context, () => Promise.reject(new Error())),
  );
  t.is(error, reason);
});
