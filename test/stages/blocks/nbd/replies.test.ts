import test from "ava";
import fc from "fast-check";
import { ImportError } from "../../../../pipeline/errors.ts";
import { type Pending, pending, receive } from "../../../../stages/blocks/nbd/replies.ts";
import { feeder } from "../../../../stages/blocks/nbd/wire.ts";
import { dataReply, holeReply, statusReply } from "../../../support/nbd-server.ts";

const PROPERTY_RUNS = Number(process.env.PROPERTY_RUNS ?? 200);
const FACTS = {
  sizeBytes: 1000,
  minBlockBytes: 1,
  maxBlockBytes: 1000,
  canMultiConn: false,
  structuredReplies: true,
  allocationId: 7,
} as const;

function waitingFor(...requests: readonly Pending[]): Map<bigint, Pending> {
  return new Map(requests.map((request, index) => [BigInt(index + 1), request]));
}

test("receive() settles requests whose replies come mixed up, in any pieces", (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 50 })), (lengths) => {
      const settled: string[] = [];
      const into = Buffer.alloc(8, "?");
      const read = pending({ offset: 100, lengthBytes: 8, into }, (error) =>
        settled.push(`read ${String(error)}`),
      );
      const status = pending({ offset: 0, lengthBytes: 30 }, (error) =>
        settled.push(`status ${String(error)}`),
      );
      const waiting = waitingFor(read, status);
      const wire = feeder(receive("disk", FACTS, waiting));
      const bytes = Buffer.concat([
        holeReply(1n, 104, 4, 0),
        statusReply(2n, [
          [10, 3],
          [100, 0],
        ]),
        dataReply(1n, 100, Buffer.from("abcd"), 1),
      ]);
      let at = 0;
      for (const length of [...lengths, bytes.byteLength]) wire.feed(bytes.subarray(at, (at += length)));
      t.deepEqual(settled, ["status undefined", "read undefined"]);
      t.is(into.toString(), "abcd\0\0\0\0");
      t.deepEqual(status.extents, [
        { offset: 0, length: 10, kind: "zero" },
        { offset: 10, length: 20, kind: "data" },
      ]);
      t.is(waiting.size, 0);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

test("receive() throws nothing but PROGRAM_FAILED, and writes nowhere but where it was asked to, whatever comes", (t) => {
  const magic = fc.constantFrom([0x66, 0x8e, 0x33, 0xef], [0x67, 0x44, 0x66, 0x98]);
  const head = fc.tuple(
    magic,
    fc.array(fc.constantFrom(0, 1, 2, 5, 8, 12, 100, 128, 255), { maxLength: 40 }),
  );
  fc.assert(
    fc.property(fc.array(head, { minLength: 1, maxLength: 6 }), (messages) => {
      const memory = Buffer.alloc(24, "?");
      const waiting = waitingFor(
        pending({ offset: 100, lengthBytes: 8, into: memory.subarray(8, 16) }, () => undefined),
        pending({ offset: 0, lengthBytes: 30 }, () => undefined),
      );
      try {
        feeder(receive("disk", FACTS, waiting)).feed(Buffer.from(messages.flat(2)));
      } catch (error) {
        if (!(error instanceof ImportError)) throw error;
        t.is(error.code, "PROGRAM_FAILED");
      }
      t.is(memory.toString("latin1", 0, 8) + memory.toString("latin1", 16), "?".repeat(16));
    }),
    { numRuns: PROPERTY_RUNS * 5 },
  );
});
