import test from "ava";
import { seededBytes } from "../../fixtures/seeded.ts";
import type { Bytes, Destination, Source, Stage } from "../../pipeline/contract.ts";
import { runStream } from "../../pipeline/run.ts";
import { chunked, collect } from "../support/bytes.ts";
import { testContext } from "../support/context.ts";
import { hashingThreads } from "../support/hashing-threads.ts";

const content = seededBytes("run", 300_000);

function memorySource(bytes: () => Bytes): Source {
  return { name: "memory", facts: async () => ({ seekable: false, sizeBytes: content.byteLength }), bytes };
}

function memoryDestination(fail?: "write" | "commit") {
  const log: string[] = [];
  let written: Uint8Array = new Uint8Array(0);
  const destination: Destination = {
    name: "memory",
    async open() {
      log.push("open");
      return {
        async write(bytes) {
          written = await collect(bytes);
          if (fail === "write") throw new Error("write failed");
        },
        async commit() {
          if (fail === "commit") throw new Error("commit failed");
          log.push("commit");
          return { name: "memory", sizeBytes: written.byteLength };
        },
        async [Symbol.asyncDispose]() {
          log.push("dispose");
        },
      };
    },
  };
  return { destination, log, written: () => written };
}

const invert: Stage = {
  name: "invert",
  async *transform(input) {
    for await (const chunk of input) yield chunk.map((byte) => ~byte);
  },
};

test("runStream() folds the stages, commits, and gives the digest of what was written", async (t) => {
  const context = testContext({ threads: hashingThreads });
  const plain = memoryDestination();
  const twice = memoryDestination();
  const source = memorySource(() => chunked(content, 4000));
  const first = await runStream(source, [], plain.destination, context);
  const second = await runStream(source, [invert, invert], twice.destination, context);
  t.is(Buffer.compare(twice.written(), content), 0);
  t.is(first.diskDigest, second.diskDigest);
  t.is(first.sizeBytes, content.byteLength);
  t.deepEqual(plain.log, ["open", "commit", "dispose"]);
  t.not((await runStream(source, [invert], plain.destination, context)).diskDigest, first.diskDigest);
});

test("runStream() reports every step by name", async (t) => {
  const context = testContext({ threads: hashingThreads });
  await runStream(
    memorySource(() => chunked(content)),
    [invert],
    memoryDestination().destination,
    context,
  );
  const steps = context.events.filter(({ kind }) => kind === "finished").map(({ step }) => step);
  t.deepEqual(steps.toSorted(), ["digest", "invert", "read", "write"]);
});

for (const fail of ["write", "commit"] as const) {
  test(`runStream() disposes the draft without commit when ${fail} fails`, async (t) => {
    const { destination, log } = memoryDestination(fail);
    const context = testContext({ threads: hashingThreads });
    await t.throwsAsync(
      runStream(
        memorySource(() => chunked(content)),
        [],
        destination,
        context,
      ),
      {
        message: `${fail} failed`,
      },
    );
    t.deepEqual(log, ["open", "dispose"]);
  });
}

test("runStream() disposes the draft without commit when the source fails half-way or the signal is aborted", async (t) => {
  async function* breaking(): Bytes {
    yield content.subarray(0, 1000);
    throw new Error("source broke");
  }
  const broken = memoryDestination();
  const context = testContext({ threads: hashingThreads });
  await t.throwsAsync(runStream(memorySource(breaking), [], broken.destination, context), {
    message: "source broke",
  });
  t.deepEqual(broken.log, ["open", "dispose"]);

  const controller = new AbortController();
  async function* aborting(): Bytes {
    yield content.subarray(0, 1000);
    controller.abort(new Error("cancelled"));
    yield content.subarray(1000);
  }
  const aborted = memoryDestination();
  await t.throwsAsync(
    runStream(memorySource(aborting), [], aborted.destination, { ...context, signal: controller.signal }),
    { message: "cancelled" },
  );
  t.deepEqual(aborted.log, ["open", "dispose"]);
});
