import { PassThrough, Transform } from "node:stream";
import { createInflate, deflateSync } from "node:zlib";
import test from "ava";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { byteReader } from "../../../stages/byte-reader.ts";
import { runEngine } from "../../../stages/transforms/engine.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";

const content = seededDisk("engine", { sizeBytes: 400_000 });

test("runEngine() puts back what the engine did not want", async (t) => {
  for (const chunkBytes of [1000, 1_000_000]) {
    const reader = byteReader(
      chunked(Buffer.concat([deflateSync(content), Buffer.from("the rest")]), chunkBytes),
    );
    const stream = createInflate();
    const output = await collect(
      runEngine({ stream, usedBytes: () => stream.bytesWritten }, reader, "zlib", testContext()),
    );
    t.true(output.equals(content));
    t.is(Buffer.from(await reader.take(100)).toString(), "the rest");
  }
});

test("runEngine() makes DECOMPRESSION_FAILED of what the engine throws, keeping the cause", async (t) => {
  const broken = new Error("Out of order");
  const stream = new Transform({ transform: (_chunk, _encoding, done) => done(broken) });
  const error = await failure(() =>
    collect(runEngine({ stream }, byteReader(chunked(content)), "x", testContext())),
  );
  t.is(error.code, "DECOMPRESSION_FAILED");
  t.is(error.cause, broken);
});

test("runEngine() waits for no engine that closed without an answer", async (t) => {
  const stream = new Transform({ transform: () => void stream.destroy() });
  const error = await failure(() =>
    collect(runEngine({ stream }, byteReader(chunked(content)), "x", testContext())),
  );
  t.is(error.code, "DECOMPRESSION_FAILED");
});

test("runEngine() leaves no listener on the signal and destroys the engine when its consumer stops", async (t) => {
  const stream = new PassThrough();
  let listenerCount = 0;
  const { signal } = new AbortController();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => (listenerCount++, add(...args));
  signal.removeEventListener = (...args: Parameters<typeof remove>) => (listenerCount--, remove(...args));
  for await (const _chunk of runEngine(
    { stream },
    byteReader(chunked(content)),
    "x",
    testContext({ signal }),
  ))
    break;
  t.is(listenerCount, 0);
  t.true(stream.destroyed);
});
