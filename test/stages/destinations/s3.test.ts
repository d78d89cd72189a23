import { seededBytes } from "../../../fixtures/seeded.ts";
import type { ErrorCode } from "../../../pipeline/errors.ts";
import { type S3DestinationOptions, s3Destination } from "../../../stages/destinations/s3.ts";
import { chunked } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { type Fault, faultProxy } from "../../support/fault-proxy.ts";
import { requires } from "../../support/requires.ts";
import { s3Bucket, type TestBucket } from "../../support/s3-bucket.ts";
import { S3_PROGRAMS } from "../../support/s3-server.ts";
import type { S3Access } from "../../../stages/s3-access.ts";
import { destinationContract } from "./contract.ts";

const test = requires(...S3_PROGRAMS);
const MIB = 1024 * 1024;
const CONTENT = seededBytes("s3 destination", 33 * MIB + 5);

destinationContract(
  "s3Destination()",
  [33 * MIB, 0, 1, 16 * MIB - 1, 16 * MIB, 16 * MIB + 1],
  async () => {
    const made = await s3Bucket();
    return {
      destination: s3Destination({ bucket: made.bucket, key: "disk.img" }, made.access),
      visible: () => made.get("disk.img"),
      leftoverCount: () => made.uploadCount(),
      async [Symbol.asyncDispose]() {},
    };
  },
  test,
);

/** Writes CONTENT as `disk.img`; whatever happens, the draft is disposed. */
async function put(
  made: TestBucket,
  access: S3Access,
  options: S3DestinationOptions = {},
  content = CONTENT,
) {
  const destination = s3Destination({ bucket: made.bucket, key: "disk.img" }, access, options);
  await using draft = await destination.open(testContext(), { sizeBytes: content.byteLength });
  await draft.write(chunked(content, MIB));
  return await draft.commit();
}

test("s3Destination() tells the ETag that the store tells", async (t) => {
  const made = await s3Bucket();
  const { etag, name } = await put(made, made.access);
  const Bucket = made.bucket;
  const { ETag } = await made.client.send(new made.sdk.HeadObjectCommand({ Bucket, Key: "disk.img" }));
  t.is(`"${etag}"`, ETag ?? "none");
  t.is(name, `s3://${Bucket}/disk.img`);
});

test("s3Destination() replaces an object only where asked to", async (t) => {
  const made = await s3Bucket();
  await made.put("disk.img", Buffer.from("before"));
  t.is((await failure(() => put(made, made.access))).code, "DESTINATION_EXISTS");
  t.is(Buffer.from((await made.get("disk.img"))!).toString(), "before");
  await put(made, made.access, { overwrite: true });
  t.true(CONTENT.equals((await made.get("disk.img"))!));
});

test("s3Destination() does not replace what appeared while it wrote", async (t) => {
  const made = await s3Bucket();
  const destination = s3Destination({ bucket: made.bucket, key: "disk.img" }, made.access);
  {
    await using draft = await destination.open(testContext(), {});
    await draft.write(chunked(CONTENT, MIB));
    await made.put("disk.img", Buffer.from("faster"));
    t.is((await failure(() => draft.commit())).code, "DESTINATION_EXISTS");
  }
  t.is(Buffer.from((await made.get("disk.img"))!).toString(), "faster");
  t.is(await made.uploadCount(), 0);
});

test("s3Destination() fails with DESTINATION_NOT_FOUND without the bucket, before anything is written", async (t) => {
  const { access } = await s3Bucket();
  const destination = s3Destination({ bucket: "none-such", key: "x" }, access);
  t.is((await failure(() => destination.open(testContext(), {}))).code, "DESTINATION_NOT_FOUND");
});

test("s3Destination() fails with DESTINATION_FORBIDDEN for credentials that may not", async (t) => {
  const made = await s3Bucket();
  for (const overwrite of [false, true]) {
    const error = await failure(() => put(made, made.accessWith({ anonymous: true }), { overwrite }));
    t.is(error.code, "DESTINATION_FORBIDDEN");
  }
  t.is(await made.uploadCount(), 0);
});

test("s3Destination() fails with CLOCK_SKEW when this machine's clock is wrong", async (t) => {
  const made = await s3Bucket();
  const error = await failure(() => put(made, made.accessWith({ clockOffsetMs: -3_600_000 })));
  t.is(error.code, "CLOCK_SKEW");
});

const PART = "PUT /";
const REPAIRED: Readonly<Record<string, Fault>> = {
  "a reset in a part": { times: 2, match: PART, up: { resetAfter: 5 * MIB } },
  "a stall in a part": { times: 1, match: PART, up: { stallAfter: 5 * MIB } },
  "a flipped bit in a part, which the store refuses": { times: 1, match: PART, up: { flipAt: 5 * MIB } },
  "503 SlowDown": { times: 2, match: PART, answer: { status: 503 } },
};
for (const [title, fault] of Object.entries(REPAIRED)) {
  test.serial(`s3Destination() repairs ${title}`, async (t) => {
    const made = await s3Bucket();
    await using proxy = await faultProxy(made.server.endpoint);
    proxy.set(fault);
    await put(
      made,
      made.accessWith({
        endpoint: proxy.endpoint,
        idleTimeoutMs: fault.up?.stallAfter === undefined ? 30_000 : 1000,
      }),
    );
    t.is(proxy.faultCount, fault.times ?? 0);
    t.true(CONTENT.equals((await made.get("disk.img"))!));
    t.is(await made.uploadCount(), 0);
  });
}

const QUOTA = "<Error><Code>QuotaExceeded</Code><Message>x</Message></Error>";
const FATAL: Partial<Readonly<Record<ErrorCode, Fault>>> = {
  DESTINATION_UNAVAILABLE: { match: "partNumber=2", answer: { status: 503 } },
  DESTINATION_FORBIDDEN: { match: "partNumber=2", answer: { status: 403 } },
  DESTINATION_FULL: { match: "partNumber=2", answer: { status: 403, body: QUOTA } },
};
for (const [code, fault] of Object.entries(FATAL)) {
  test.serial(`s3Destination() leaves nothing when a part fails for good with ${code}`, async (t) => {
    const made = await s3Bucket();
    await using proxy = await faultProxy(made.server.endpoint);
    proxy.set(fault);
    const error = await failure(() => put(made, made.accessWith({ endpoint: proxy.endpoint })));
    t.is<string, string>(error.code, code);
    t.is(await made.get("disk.img"), undefined);
    t.is(await made.uploadCount(), 0);
  });
}

test.serial("s3Destination() ends at once when it is aborted while the store stalls", async (t) => {
  const made = await s3Bucket();
  await using proxy = await faultProxy(made.server.endpoint);
  proxy.set({ match: PART, up: { stallAfter: MIB } });
  const controller = new AbortController();
  const reason = new Error("enough");
  const access = made.accessWith({ endpoint: proxy.endpoint });
  const destination = s3Destination({ bucket: made.bucket, key: "disk.img" }, access);
  {
    await using draft = await destination.open(testContext({ signal: controller.signal }), {});
    await draft.write(chunked(CONTENT, MIB));
    controller.abort(reason);
    t.is(await t.throwsAsync(draft.commit()), reason);
  }
  t.is(await made.uploadCount(), 0);
});
