import { Readable } from "node:stream";
import test from "ava";
import { seededBytes } from "../../../fixtures/seeded.ts";
import { chunksOf, readAll } from "../../../stages/sources/response-body.ts";
import { chunked } from "../../support/bytes.ts";
import { failure } from "../../support/errors.ts";

const CONTENT = seededBytes("body", 200_000);
const options = { name: "file", signal: new AbortController().signal, idleTimeoutMs: 10_000 };
const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });

/** A body that ends with `error` after `byteCount` bytes. */
function breaking(byteCount: number, error: Error): Readable {
  return Readable.from(
    (async function* () {
      yield* chunked(CONTENT.subarray(0, byteCount));
      throw error;
    })(),
  );
}

test("readAll() gives all bytes of a body of the right length", async (t) => {
  const body = Readable.from(chunked(CONTENT));
  const { chunks, byteCount, fault } = await readAll(body, CONTENT.byteLength, options);
  t.is(fault, undefined);
  t.is(byteCount, CONTENT.byteLength);
  t.true(Buffer.concat(chunks).equals(CONTENT));
  t.true(body.destroyed);
});

test("readAll() gives what came of a body that ended early or broke", async (t) => {
  for (const body of [Readable.from(chunked(CONTENT.subarray(0, 150_000))), breaking(150_000, reset)]) {
    const { chunks, byteCount, fault } = await readAll(body, CONTENT.byteLength, options);
    t.is(fault?.code, "SOURCE_UNAVAILABLE");
    t.is(byteCount, 150_000);
    t.true(Buffer.concat(chunks).equals(CONTENT.subarray(0, 150_000)));
  }
});

test("readAll() fails with SOURCE_UNSUITABLE when one byte more comes, and closes the body", async (t) => {
  const body = Readable.from(chunked(CONTENT));
  t.is((await failure(() => readAll(body, CONTENT.byteLength - 1, options))).code, "SOURCE_UNSUITABLE");
  t.true(body.destroyed);
});

test("chunksOf() gives up a body that is silent, with the time in the message", async (t) => {
  const body = new Readable({ read() {} });
  const error = await failure(() => chunksOf(body, { ...options, idleTimeoutMs: 50 }).next());
  t.is(error.code, "SOURCE_UNAVAILABLE");
  t.regex(error.message, /silent for 0\.05 s/);
});

test("chunksOf() ends with the reason of an abort while it waits, and leaves no listener", async (t) => {
  const controller = new AbortController();
  const { signal } = controller;
  const body = new Readable({ read() {} });
  const reading = chunksOf(body, { ...options, signal }).next();
  const reason = new Error("enough");
  setImmediate(() => controller.abort(reason));
  t.is(await t.throwsAsync(reading), reason);
  t.true(body.destroyed);
});

test("chunksOf() closes the body when it is left", async (t) => {
  const body = Readable.from(chunked(CONTENT));
  for await (const chunk of chunksOf(body, options)) {
    t.true(chunk.byteLength > 0);
    break;
  }
  t.true(body.destroyed);
});
