import { getEventListeners } from "node:events";
import { PassThrough, Readable } from "node:stream";
import test from "ava";
import { seededBytes } from "../../../fixtures/seeded.ts";
import { streamSource } from "../../../stages/sources/stream.ts";
import { collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";

test("streamSource() passes a stream on to its end, without a size", async (t) => {
  const content = seededBytes("stream", 200_001);
  const source = streamSource(Readable.from([content.subarray(0, 5), content.subarray(5)]), "-");
  t.deepEqual(await source.facts(testContext()), { seekable: false });
  t.true((await collect(source.bytes(testContext()))).equals(content));
});

test("streamSource() throws SOURCE_UNSUITABLE when read twice or from the middle", async (t) => {
  const source = streamSource(Readable.from([Buffer.from("x")]), "-");
  t.is((await failure(() => collect(source.bytes(testContext(), 1)))).code, "SOURCE_UNSUITABLE");
  await collect(source.bytes(testContext()));
  const error = await failure(() => collect(source.bytes(testContext())));
  t.is(error.code, "SOURCE_UNSUITABLE");
  t.truthy(error.remedy);
});

test("streamSource() ends a read that waits when aborted, closes the stream and leaves no listener", async (t) => {
  const controller = new AbortController();
  const pipe = new PassThrough();
  const pending = collect(streamSource(pipe, "-").bytes(testContext({ signal: controller.signal })));
  const reason = new Error("enough");
  controller.abort(reason);
  t.is(await t.throwsAsync(pending), reason);
  t.true(pipe.destroyed);
  t.deepEqual(getEventListeners(controller.signal, "abort"), []);
});

test("streamSource() throws SOURCE_UNAVAILABLE with the cause when the stream breaks", async (t) => {
  const pipe = new PassThrough();
  const cause = Object.assign(new Error("broken"), { code: "EIO" });
  pipe.destroy(cause);
  const error = await failure(() => collect(streamSource(pipe, "-").bytes(testContext())));
  t.is(error.code, "SOURCE_UNAVAILABLE");
  t.is(error.cause, cause);
});
