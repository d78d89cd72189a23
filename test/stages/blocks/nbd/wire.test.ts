import test from "ava";
import fc from "fast-check";
import { type WireReader, feeder, protocolError, take } from "../../../../stages/blocks/nbd/wire.ts";

test("feeder() gives a reader the same, however the bytes are cut", (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 20 }), (lengths) => {
      const got: unknown[] = [];
      function* reader(): WireReader<void> {
        got.push((yield* take(3)).toString());
        yield 2;
        const place = new Uint8Array(4);
        yield place.subarray(1, 3);
        got.push([...place], (yield* take(0)).byteLength);
        got.push((yield* take(1)).toString());
      }
      const wire = feeder(reader());
      const bytes = Buffer.from("abc--xyZ and more that nobody wants");
      let at = 0;
      for (const length of [...lengths, bytes.byteLength]) wire.feed(bytes.subarray(at, (at += length)));
      t.deepEqual(got, ["abc", [0, 120, 121, 0], 0, "Z"]);
    }),
  );
});

test("feeder() throws what the reader throws", (t) => {
  const error = protocolError("disk", "errs");
  const failing = (function* (): WireReader<never> {
    yield* take(2);
    throw error;
  })();
  const wire = feeder(failing);
  wire.feed(Buffer.of(1));
  t.is(
    t.throws(() => wire.feed(Buffer.of(2))),
    error,
  );
});
