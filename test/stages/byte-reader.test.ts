import test from "ava";
import fc from "fast-check";
import { seededBytes } from "../../fixtures/seeded.ts";
import { byteReader } from "../../stages/byte-reader.ts";
import { chunked } from "../support/bytes.ts";

const content = seededBytes("reader", 10_000);

test("byteReader() gives every byte once, in order, whatever is asked for", async (t) => {
  const asks = fc.array(
    fc.record({
      kind: fc.constantFrom("next", "take", "skip", "unread"),
      length: fc.integer({ min: 1, max: 900 }),
    }),
    { minLength: 1, maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(asks, fc.integer({ min: 1, max: 700 }), async (asks, chunkBytes) => {
      const reader = byteReader(chunked(content, chunkBytes));
      let at = 0;
      for (const { kind, length } of asks) {
        if (kind === "skip") at += await reader.skip(length);
        else {
          const piece =
            (kind === "take" ? await reader.take(length) : await reader.next(length)) ?? new Uint8Array();
          if (piece.byteLength > length || !content.subarray(at, at + piece.byteLength).equals(piece))
            return false;
          if (kind === "take" && piece.byteLength !== Math.min(length, content.byteLength - at)) return false;
          at += piece.byteLength;
          if (kind === "unread") {
            const tail = piece.subarray(piece.byteLength >> 1);
            reader.unread(tail);
            at -= tail.byteLength;
          }
        }
        if (reader.position !== at) return false;
      }
      return true;
    }),
  );
  t.pass();
});

test("byteReader() copies nothing that lies in one chunk", async (t) => {
  const reader = byteReader(chunked(content, 4096));
  t.is((await reader.take(100)).buffer, content.buffer);
  t.is((await reader.next())?.buffer, content.buffer);
});

test("byteReader() passes over empty chunks and tells the end again and again", async (t) => {
  const reader = byteReader(
    (async function* () {
      yield new Uint8Array();
      yield content.subarray(0, 3);
      yield new Uint8Array();
    })(),
  );
  t.is((await reader.next())?.byteLength, 3);
  t.is(await reader.next(), undefined);
  t.is((await reader.take(5)).byteLength, 0);
  t.is(await reader.skip(5), 0);
});

test("byteReader() closes what it reads from", async (t) => {
  let closed = false;
  const reader = byteReader(
    (async function* () {
      try {
        yield* chunked(content, 10);
      } finally {
        closed = true;
      }
    })(),
  );
  await reader.take(5);
  await reader.close();
  t.true(closed);
});
