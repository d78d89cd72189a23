import type { TestFn } from "ava";
import fc from "fast-check";
import type { Bytes, Context, Stage } from "../../../pipeline/contract.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";

export interface TransformCase {
  /** As a call, for the titles. */
  readonly symbol: string;
  readonly stage: () => Stage;
  readonly input: () => Promise<Uint8Array>;
  readonly output: () => Promise<Uint8Array>;
  /** What an empty input does: it gives nothing, something (a header), or fails. */
  readonly whenEmpty: "nothing" | "something" | { readonly code: string };
  /** Chunks that may be pulled beyond those needed for the output seen so far. */
  readonly pullsAhead: number;
  readonly threads?: Context["threads"];
}

/** Property runs; raised for the slow suite. */
export const PROPERTY_RUNS = Number(process.env["PROPERTY_RUNS"] ?? 20);

/** Runs over every stage: what the contract of `Stage` promises, whatever the stage does. */
export function transformContract(test: TestFn, subject: TransformCase): void {
  const { symbol, stage, whenEmpty } = subject;
  const context = (overrides: Partial<Context> = {}) =>
    testContext({ ...(subject.threads === undefined ? {} : { threads: subject.threads }), ...overrides });

  test(`${symbol} gives the same output for any chunking, down to single bytes`, async (t) => {
    const [input, output] = await Promise.all([subject.input(), subject.output()]);
    for (const chunkBytes of [1, 511, 512, 513, 65_536, input.byteLength]) {
      const result = await collect(stage().transform(chunked(input, chunkBytes), context()));
      t.is(result.compare(output), 0, `chunks of ${chunkBytes} bytes`);
    }
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.integer({ min: 0, max: 70_000 })), async (lengths) => {
        const result = await collect(stage().transform(cut(input, lengths), context()));
        return result.compare(output) === 0;
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  const ending = typeof whenEmpty === "string" ? `gives ${whenEmpty}` : `fails with ${whenEmpty.code}`;
  test(`${symbol} ${ending} for an empty input`, async (t) => {
    const run = () => collect(stage().transform(chunked(new Uint8Array()), context()));
    if (typeof whenEmpty === "string") t.is((await run()).byteLength > 0, whenEmpty === "something");
    else t.like(await t.throwsAsync(run), { code: whenEmpty.code });
  });

  test(`${symbol} closes its input when its consumer stops`, async (t) => {
    const input = await subject.input();
    let opened = false;
    let closed = false;
    async function* source(): Bytes {
      opened = true;
      try {
        yield* chunked(input, 4096);
      } finally {
        closed = true;
      }
    }
    for await (const _chunk of stage().transform(source(), context())) break;
    t.is(closed, opened); // what writes a header first may not have asked for anything yet
  });

  test(`${symbol} passes on what its input throws, as it is`, async (t) => {
    const input = await subject.input();
    const broken = new Error("The line went dead");
    async function* source(): Bytes {
      yield input.subarray(0, Math.floor(input.byteLength / 2));
      throw broken;
    }
    const error = await t.throwsAsync(() => collect(stage().transform(source(), context())));
    t.is(error, broken);
  });

  test(`${symbol} ends with the signal's reason after an abort, leaving no listener`, async (t) => {
    const input = await subject.input();
    const controller = new AbortController();
    const reason = new Error("Stopped by the user");
    let pulls = 0;
    async function* source(): Bytes {
      for (const chunk of await Array.fromAsync(chunked(input, 4096))) {
        if (++pulls === 2) controller.abort(reason);
        controller.signal.throwIfAborted();
        yield chunk;
      }
    }
    const error = await t.throwsAsync(() =>
      collect(stage().transform(source(), context({ signal: controller.signal }))),
    );
    t.is(error, reason);
  });

  test(`${symbol} pulls nothing before it is pulled, and at most ${subject.pullsAhead} chunks ahead`, async (t) => {
    const input = await subject.input();
    let pulledBytes = 0;
    async function* source(): Bytes {
      for await (const chunk of chunked(input, 65_536)) {
        pulledBytes += chunk.byteLength;
        yield chunk;
      }
    }
    const output = stage().transform(source(), context());
    await new Promise((resolve) => setImmediate(resolve));
    t.is(pulledBytes, 0);
    for await (const _chunk of output) break;
    t.true(pulledBytes <= (1 + subject.pullsAhead) * 65_536, `pulled ${pulledBytes} bytes`);
  });
}

async function* cut(input: Uint8Array, lengths: Iterable<number>): Bytes {
  let at = 0;
  for (const length of lengths) {
    if (at >= input.byteLength) return;
    yield input.subarray(at, at + length);
    at += length;
  }
}
