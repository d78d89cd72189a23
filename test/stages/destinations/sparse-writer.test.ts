import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import * as fc from "fast-check";
import type { Bytes } from "../../../pipeline/contract.ts";
import { writeSparse } from "../../../stages/destinations/sparse-writer.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { temporaryFolder } from "../../support/folder.ts";

const numRuns = Number(process.env.PROPERTY_RUNS ?? 50);

test("writeSparse() writes the same file for any chunks of any content, zeroes skipped or not", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "sparse-"));
  const run = fc.record({ zero: fc.boolean(), lengthBytes: fc.integer({ min: 0, max: 20_000 }) });
  const property = fc.asyncProperty(
    fc.array(run, { maxLength: 12 }),
    fc.constantFrom("skip" as const, "write" as const),
    fc.integer({ min: 0, max: 9000 }),
    async (runs, zeroes, startByte) => {
      const chunks = runs.map(({ zero, lengthBytes }, index) =>
        Buffer.alloc(lengthBytes, zero ? 0 : index + 1),
      );
      const path = join(folder, "out");
      await using file = await open(path, "w+");
      const end = await writeSparse(file, given(chunks), testContext(), { name: "out", zeroes }, startByte);
      await file.truncate(end);
      const whole = Buffer.concat([Buffer.alloc(startByte), ...chunks]);
      t.is(end, whole.byteLength);
      t.true((await readFile(path)).equals(whole));
    },
  );
  await fc.assert(property, { numRuns });
  await rm(folder, { recursive: true });
});

test("writeSparse() joins a megabyte of single bytes", async (t) => {
  await using folder = await temporaryFolder();
  await using file = await open(folder.file("out"), "w");
  const byte = Buffer.from("x");
  const end = await writeSparse(file, given(Array.from({ length: 100_000 }, () => byte)), testContext(), {
    name: "out",
    zeroes: "skip",
  });
  t.is(end, 100_000);
  t.is(await readFile(folder.file("out"), "utf8"), "x".repeat(100_000));
});

test("writeSparse() stops at the first write that fails, with DESTINATION_FULL from a full device", async (t) => {
  await using full = await open("/dev/full", "w");
  let pulled = 0;
  async function* endless(): Bytes {
    for (;;) {
      await Promise.resolve();
      pulled++;
      yield Buffer.alloc(1024 * 1024, 1);
    }
  }
  const error = await failure(() =>
    writeSparse(full, endless(), testContext(), { name: "full", zeroes: "skip" }),
  );
  t.is(error.code, "DESTINATION_FULL");
  t.regex(error.message, /"full"/);
  t.true(pulled <= 12, `${pulled} chunks were pulled`);
});

test("writeSparse() asks before each chunk whether it may be written", async (t) => {
  await using folder = await temporaryFolder();
  await using file = await open(folder.file("out"), "w");
  const chunks = [Buffer.alloc(10, 1), Buffer.alloc(1, 1)];
  await t.throwsAsync(
    writeSparse(file, given(chunks), testContext(), { name: "out", zeroes: "write", admit: atMost10 }),
    {
      message: "11",
    },
  );
});

function atMost10(endByte: number): void {
  if (endByte > 10) throw new RangeError(`${endByte}`);
}

async function* given(chunks: readonly Uint8Array[]): Bytes {
  for (const chunk of chunks) {
    await Promise.resolve();
    yield chunk;
  }
}
