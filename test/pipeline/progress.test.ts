import test from "ava";
import { metered, meteredSink, stepping } from "../../pipeline/progress.ts";
import { chunked, collect } from "../support/bytes.ts";
import { testContext } from "../support/context.ts";

test("metered() passes the bytes on and reports start and end with totals", async (t) => {
  const context = testContext();
  const output = await collect(
    metered("read", chunked(Buffer.from("0123456789"), 3), context, { totalBytes: 10 }),
  );
  t.is(output.toString(), "0123456789");
  t.deepEqual(context.events[0], { kind: "started", step: "read", totalBytes: 10 });
  const last = context.events.at(-1)!;
  t.is(last.kind, "finished");
  t.is(last.kind === "finished" && last.doneBytes, 10);
});

test("metered() opens nothing before the first pull and closes its input when the consumer stops", async (t) => {
  let opened = false;
  let closed = false;
  async function* input() {
    opened = true;
    try {
      yield Uint8Array.of(1);
      yield Uint8Array.of(2);
    } finally {
      closed = true;
    }
  }
  const context = testContext();
  const output = metered("read", input(), context);
  t.false(opened);
  for await (const chunk of output) {
    t.is(chunk[0], 1);
    break;
  }
  t.true(closed);
});

test("metered() ends with the signal's reason at the next chunk", async (t) => {
  const controller = new AbortController();
  const reason = new Error("cancelled");
  const context = testContext({ signal: controller.signal });
  const error = await t.throwsAsync(async () => {
    for await (const _ of metered("read", chunked(new Uint8Array(10), 1), context)) controller.abort(reason);
  });
  t.is(error, reason);
});

/** A clock that only moves when a step says that it works. */
async function work(ms: number): Promise<void> {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

test("metered() and meteredSink() count as a step's own time only what the step itself took", async (t) => {
  const context = testContext();
  async function* slow() {
    for (let count = 0; count < 3; count++) {
      await work(10);
      yield Uint8Array.of(1);
    }
  }
  const read = metered("read", slow(), context);
  async function* quick() {
    for await (const chunk of read) yield chunk;
  }
  const passed = metered("pass", quick(), context, { upstream: read });
  await meteredSink("write", passed, context, async (bytes) => {
    for await (const _ of bytes) await work(20);
  });
  const own = Object.fromEntries(
    context.events.flatMap((event) => (event.kind === "finished" ? [[event.step, event.ownMs]] : [])),
  );
  t.true(own.read! >= 30);
  t.true(own.write! >= 60);
  t.true(own.pass! < own.read!);
  t.true(own.read! < own.write!);
});

test("stepping() reports the end with the last bytes told, and no end after a failure", async (t) => {
  const context = testContext();
  t.is(
    await stepping("convert", context, 100, async (moved) => {
      moved(100);
      return "done";
    }),
    "done",
  );
  t.like(context.events.at(-1), { kind: "finished", step: "convert", doneBytes: 100 });
  await t.throwsAsync(
    stepping("check", context, undefined, async () => {
      throw new Error("broken");
    }),
  );
  t.like(context.events.at(-1), { kind: "started", step: "check" });
});
