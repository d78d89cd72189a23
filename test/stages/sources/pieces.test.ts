import { once } from "node:events";
import test from "ava";
import fc from "fast-check";
import { ImportError } from "../../../pipeline/errors.ts";
import {
  CONNECTION_COUNT,
  cut,
  inOrder,
  PIECE_BYTES,
  WINDOW_COUNT,
  wholePiece,
} from "../../../stages/sources/pieces.ts";
import { collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";

const numRuns = Number(process.env.PROPERTY_RUNS ?? 100);

test("cut() covers every range without gaps, in pieces that end at multiples", (t) => {
  const byte = fc.integer({ min: 0, max: 5 * PIECE_BYTES });
  fc.assert(
    fc.property(byte, byte, (one, other) => {
      const [from, to] = one < other ? [one, other] : [other, one];
      let at = from;
      for (const { offset, length } of cut(from, to)) {
        t.is(offset, at);
        t.true(length > 0 && length <= PIECE_BYTES);
        at += length;
        t.true(at === to || at % PIECE_BYTES === 0);
      }
      t.is(at, to);
    }),
    { numRuns },
  );
});

test("inOrder() passes pieces on in order, however their fetches end", async (t) => {
  const waiting: (() => void)[] = [];
  let runningCount = 0;
  let mostRunning = 0;
  const fetch = async (piece: number) => {
    mostRunning = Math.max(mostRunning, ++runningCount);
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      setImmediate(() => waiting.pop()?.()); // the last one asked for is the first one done
    });
    runningCount--;
    return [Buffer.from(`${piece} `), Buffer.from(`${piece}, `)];
  };
  const pieces = Array.from({ length: 20 }, (_, index) => index);
  const text = (await collect(inOrder(pieces, fetch, testContext()))).toString();
  t.is(text, pieces.map((piece) => `${piece} ${piece}, `).join(""));
  t.is(mostRunning, CONNECTION_COUNT);
});

test("inOrder() looks no further ahead than its window, and stops all fetches when it is left", async (t) => {
  const signals: AbortSignal[] = [];
  let drawn = 0;
  function* endless() {
    for (;;) yield drawn++;
  }
  const fetch = async (_piece: number, { signal }: { readonly signal: AbortSignal }) => {
    signals.push(signal);
    if (signals.length > 1) {
      await once(signal, "abort");
      signal.throwIfAborted();
    }
    return [Buffer.from("x")];
  };
  for await (const chunk of inOrder(endless(), fetch, testContext())) {
    t.is(chunk.byteLength, 1);
    t.is(drawn, WINDOW_COUNT + 1);
    break;
  }
  t.true(signals.length >= CONNECTION_COUNT);
  t.true(signals.every(({ aborted }) => aborted));
});

test("inOrder() throws what a fetch throws, when its turn comes", async (t) => {
  const broken = new Error("broken");
  const fetch = (piece: number) =>
    piece === 2 ? Promise.reject(broken) : Promise.resolve([Buffer.from([piece])]);
  const seen: number[] = [];
  const reading = (async () => {
    for await (const [byte] of inOrder([0, 1, 2, 3], fetch, testContext())) seen.push(byte ?? -1);
  })();
  t.is(await t.throwsAsync(reading), broken);
  t.deepEqual(seen, [0, 1]);
});

const lost = new ImportError("SOURCE_UNAVAILABLE", "lost");
const options = { signal: new AbortController().signal, tryCount: 3, pause: async () => {} };

test("wholePiece() goes on where it broke, for as long as there is progress", async (t) => {
  const length = 1_000_000;
  const asked: number[] = [];
  const chunks = await wholePiece(
    length,
    (fromByte) => {
      asked.push(fromByte);
      const byteCount = Math.min(100_000, length - fromByte);
      const fault = fromByte + byteCount < length ? lost : undefined;
      return Promise.resolve({ chunks: [Buffer.alloc(byteCount, asked.length)], byteCount, fault });
    },
    options,
  );
  t.is(asked.length, 10);
  t.is(Buffer.concat(chunks).byteLength, length);
});

test("wholePiece() gives up after its tries when connections give next to nothing", async (t) => {
  let count = 0;
  const read = () => {
    count++;
    return Promise.resolve({ chunks: [Buffer.alloc(10)], byteCount: 10, fault: lost });
  };
  t.is(await failure(() => wholePiece(1000, read, options)), lost);
  t.is(count, 3);
});
