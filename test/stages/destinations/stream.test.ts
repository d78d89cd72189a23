import { PassThrough, Writable } from "node:stream";
import test from "ava";
import { seededBytes } from "../../../fixtures/seeded.ts";
import { streamDestination } from "../../../stages/destinations/stream.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";

test("streamDestination() passes everything on and leaves the stream open", async (t) => {
  const content = seededBytes("stream", 300_001);
  const pipe = new PassThrough();
  const received = collect(pipe);
  await using draft = await streamDestination(pipe, "-").open(testContext(), {});
  await draft.write(chunked(content));
  t.deepEqual(await draft.commit(), { name: "-", sizeBytes: content.byteLength });
  t.false(pipe.writableEnded);
  pipe.end();
  t.true((await received).equals(content));
});

test("streamDestination() has one chunk at a time on its way", async (t) => {
  let most = 0;
  const slow = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _encoding, done) {
      most = Math.max(most, slow.writableLength);
      setImmediate(done, chunk.byteLength < 0 ? new Error("never") : null);
    },
  });
  await using draft = await streamDestination(slow, "-").open(testContext(), {});
  await draft.write(chunked(Buffer.alloc(1_000_000)));
  t.is(most, 65_536);
});

test("write() throws DESTINATION_UNAVAILABLE when the reader goes away, and the process goes on", async (t) => {
  const cause = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
  const broken = new Writable({ write: (_chunk, _encoding, done) => done(cause) });
  const draft = await streamDestination(broken, "-").open(testContext(), {});
  const closed = new Promise<void>((resolve) => void broken.once("close", resolve));
  const error = await failure(() => draft.write(chunked(Buffer.alloc(10))));
  t.is(error.code, "DESTINATION_UNAVAILABLE");
  t.is(error.cause, cause);
  await closed;
  await draft[Symbol.asyncDispose]();
  t.is(broken.listenerCount("error"), 0);
});

test("write() that waits for a reader ends with the reason of an abort", async (t) => {
  const stuck = new Writable({ write() {} });
  const controller = new AbortController();
  const reason = new Error("enough");
  await using draft = await streamDestination(stuck, "-").open(
    testContext({ signal: controller.signal }),
    {},
  );
  const writing = draft.write(chunked(Buffer.alloc(10)));
  setImmediate(() => controller.abort(reason));
  t.is(await t.throwsAsync(writing), reason);
});
