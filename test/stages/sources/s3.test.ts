import { seededBytes } from "../../../fixtures/seeded.ts";
import type { ErrorCode } from "../../../pipeline/errors.ts";
import { DEFAULT_IDLE_TIMEOUT_MS } from "../../../stages/remote.ts";
import { PIECE_BYTES } from "../../../stages/sources/pieces.ts";
import { s3Source } from "../../../stages/sources/s3.ts";
import { collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { type Fault, faultProxy } from "../../support/fault-proxy.ts";
import { requires } from "../../support/requires.ts";
import { s3Bucket } from "../../support/s3-bucket.ts";
import { S3_PROGRAMS } from "../../support/s3-server.ts";
import { sourceContract } from "./contract.ts";

const test = requires(...S3_PROGRAMS);

/** Three pieces, the last one short. */
const CONTENT = seededBytes("s3 source", 2 * PIECE_BYTES + 12_345);

sourceContract(
  "s3Source()",
  async () => {
    const made = await s3Bucket();
    const proxy = await faultProxy(made.server.endpoint);
    await made.put("disk.img", CONTENT);
    const access = made.accessWith({ endpoint: proxy.endpoint });
    return {
      source: s3Source({ bucket: made.bucket, key: "disk.img" }, access),
      content: CONTENT,
      openCount: () => proxy.connectionCount,
      secrets: [made.server.secretAccessKey],
      [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
    };
  },
  test,
);

test("s3Source() reads objects of 0, 1, n−1, n and n+1 bytes, n being the length of a piece", async (t) => {
  const { bucket, access, put } = await s3Bucket();
  for (const sizeBytes of [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1]) {
    await put("disk.img", CONTENT.subarray(0, sizeBytes));
    const source = s3Source({ bucket, key: "disk.img" }, access);
    t.like(await source.facts(testContext()), { sizeBytes, seekable: true });
    const bytes = await collect(source.bytes(testContext()));
    t.true(bytes.equals(CONTENT.subarray(0, sizeBytes)), `${sizeBytes} bytes`);
  }
});

test("s3Source() takes keys literally", async (t) => {
  const { bucket, access, put } = await s3Bucket();
  for (const key of ["a b+c%2Fd", "ü///x", "q?versionId=1#f"]) {
    await put(key, Buffer.from(key));
    t.is((await collect(s3Source({ bucket, key }, access).bytes(testContext()))).toString(), key);
  }
});

/** Short where silence is what is tested; a busy machine must not look like a silent server elsewhere. */
function idleTimeoutMs({ down }: Fault): number {
  return down?.stallAfter === undefined ? DEFAULT_IDLE_TIMEOUT_MS : 1000;
}

const REPAIRED: Readonly<Record<string, Fault>> = {
  "a reset in the body": { times: 2, match: "GET /", down: { resetAfter: 1_000_000 } },
  "a cut body": { times: 2, match: "GET /", down: { closeAfter: 3_000_000 } },
  "a stalled body": { times: 1, match: "GET /", down: { stallAfter: 2_000_000 } },
  "a refused connection": { times: 2, refuse: true },
  "503 SlowDown": {
    times: 2,
    answer: { status: 503, body: "<Error><Code>SlowDown</Code><Message>slow</Message></Error>" },
  },
  "a 500 without body": { times: 1, answer: { status: 500 } },
};
for (const [title, fault] of Object.entries(REPAIRED)) {
  test.serial(`s3Source() repairs ${title}`, async (t) => {
    const { bucket, server, put, accessWith } = await s3Bucket();
    await put("disk.img", CONTENT);
    await using proxy = await faultProxy(server.endpoint);
    const access = accessWith({ endpoint: proxy.endpoint, idleTimeoutMs: idleTimeoutMs(fault) });
    const source = s3Source({ bucket, key: "disk.img" }, access);
    await source.facts(testContext());
    proxy.set(fault);
    t.true((await collect(source.bytes(testContext()))).equals(CONTENT));
    t.is(proxy.faultCount, fault.times ?? 0);
  });
}

const FAILS: readonly (readonly [string, Fault, ErrorCode])[] = [
  ["a store that is down", { refuse: true }, "SOURCE_UNAVAILABLE"],
  ["bodies that never begin", { down: { stallAfter: 0 } }, "SOURCE_UNAVAILABLE"],
  ["bodies that always end at once", { match: "GET /", down: { closeAfter: 1000 } }, "SOURCE_UNAVAILABLE"],
  ["403 for every answer", { answer: { status: 403 } }, "SOURCE_FORBIDDEN"],
  ["404 for every answer", { answer: { status: 404 } }, "SOURCE_NOT_FOUND"],
  ["503 for every answer", { answer: { status: 503 } }, "SOURCE_UNAVAILABLE"],
  ["a store without ranges", { answer: { status: 200, body: "all of it" } }, "SOURCE_UNSUITABLE"],
  [
    "a bucket in another region",
    { answer: { status: 301, headers: { "x-amz-bucket-region": "eu-west-9" } } },
    "ARGUMENT_INVALID",
  ],
  [
    "an answer of a day ago",
    { answer: { status: 403, headers: { date: "Sat, 01 Jan 2000 00:00:00 GMT" } } },
    "CLOCK_SKEW",
  ],
  [
    "an expired token",
    { answer: { status: 400, body: "<Error><Code>ExpiredToken</Code><Message>x</Message></Error>" } },
    "SOURCE_FORBIDDEN",
  ],
];
for (const [title, fault, code] of FAILS) {
  test.serial(`s3Source() fails with ${code} at ${title}`, async (t) => {
    const { bucket, server, put, accessWith } = await s3Bucket();
    await put("disk.img", CONTENT);
    await using proxy = await faultProxy(server.endpoint);
    const access = accessWith({ endpoint: proxy.endpoint, idleTimeoutMs: idleTimeoutMs(fault) });
    const source = s3Source({ bucket, key: "disk.img" }, access);
    if (fault.match !== undefined || code === "SOURCE_UNSUITABLE") await source.facts(testContext());
    proxy.set(fault);
    const error = await failure(() => collect(source.bytes(testContext())));
    t.is(error.code, code, error.message);
    t.truthy(error.remedy);
    t.true(error.message.includes(`s3://${bucket}/disk.img`));
    t.false(error.message.includes(server.secretAccessKey));
  });
}

test("s3Source() fails with SOURCE_NOT_FOUND without the object or the bucket", async (t) => {
  const { bucket, access } = await s3Bucket();
  for (const location of [
    { bucket, key: "none" },
    { bucket: `${bucket}-none`, key: "none" },
  ]) {
    t.is((await failure(() => s3Source(location, access).facts(testContext()))).code, "SOURCE_NOT_FOUND");
  }
});

test("s3Source() fails with SOURCE_FORBIDDEN for a wrong secret, a wrong key, and without signature", async (t) => {
  const { bucket, put, accessWith, server } = await s3Bucket();
  const { accessKeyId, secretAccessKey } = server;
  await put("disk.img", CONTENT);
  const reasons = [];
  for (const options of [
    { credentials: { accessKeyId, secretAccessKey: "wrong" } },
    { credentials: { accessKeyId: "wrong", secretAccessKey } },
    { anonymous: true },
  ]) {
    const source = s3Source({ bucket, key: "disk.img" }, accessWith(options));
    const error = await failure(() => source.facts(testContext()));
    t.is(error.code, "SOURCE_FORBIDDEN");
    reasons.push(error.message.replace(/^.* as /, ""));
  }
  t.deepEqual(reasons, [
    "the signature does not match",
    "the store does not know the access key",
    "access is denied",
  ]);
});

test("s3Source() reads public objects anonymously", async (t) => {
  const { bucket, sdk, client, accessWith } = await s3Bucket();
  const Body = CONTENT.subarray(0, 100);
  await client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key: "open", Body, ACL: "public-read" }));
  const source = s3Source({ bucket, key: "open" }, accessWith({ anonymous: true }));
  t.true((await collect(source.bytes(testContext()))).equals(Body));
});

test("s3Source() fails with CLOCK_SKEW when this machine's clock is wrong", async (t) => {
  const { bucket, put, accessWith } = await s3Bucket();
  await put("disk.img", CONTENT);
  const access = accessWith({ clockOffsetMs: 60 * 60_000 });
  const error = await failure(() => s3Source({ bucket, key: "disk.img" }, access).facts(testContext()));
  t.is(error.code, "CLOCK_SKEW");
  t.is(error.remedy, "Set this machine's clock");
});

test("s3Source() fails with SOURCE_CHANGED when the object is replaced, also by one of the same size", async (t) => {
  const { bucket, access, put } = await s3Bucket();
  for (const next of [seededBytes("other", CONTENT.byteLength), CONTENT.subarray(0, 10)]) {
    await put("disk.img", CONTENT);
    const source = s3Source({ bucket, key: "disk.img" }, access);
    await source.facts(testContext());
    await put("disk.img", next);
    t.is((await failure(() => collect(source.bytes(testContext())))).code, "SOURCE_CHANGED");
  }
});

test("s3Source() fails with SOURCE_NOT_FOUND when the object vanishes half-way", async (t) => {
  const { bucket, access, put, client, sdk } = await s3Bucket();
  const content = seededBytes("long", 8 * PIECE_BYTES);
  await put("disk.img", content);
  const error = await failure(async () => {
    for await (const chunk of s3Source({ bucket, key: "disk.img" }, access).bytes(testContext())) {
      t.true(chunk.byteLength > 0);
      await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: "disk.img" }));
    }
  });
  t.is(error.code, "SOURCE_NOT_FOUND");
});
