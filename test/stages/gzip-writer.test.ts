import { execFileSync } from "node:child_process";
import { gunzipSync } from "node:zlib";
import test from "ava";
import { seededDisk } from "../../fixtures/seeded.ts";
import { gzip } from "../../stages/gzip-writer.ts";
import { chunked, collect } from "../support/bytes.ts";
import { testContext } from "../support/context.ts";
import { transformContract } from "./transforms/contract.ts";

const MIB = 1024 * 1024;
const pack = (content: Uint8Array, level?: number): Promise<Buffer> =>
  collect(gzip(level === undefined ? {} : { level }).transform(chunked(content), testContext()));

const small = seededDisk("contract", { sizeBytes: 200_000 });

transformContract(test, {
  symbol: "gzip()",
  stage: () => gzip(),
  input: async () => small,
  output: () => pack(small),
  whenEmpty: "something",
  pullsAhead: 64,
});

for (const sizeBytes of [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 9 * MIB + 5]) {
  test(`gzip() makes one member of ${sizeBytes} bytes that gzip(1) and zlib read`, async (t) => {
    const content = seededDisk("gzip", { sizeBytes });
    const packed = await pack(content);
    t.true(gunzipSync(packed).equals(content));
    t.true(execFileSync("gzip", ["-dc"], { input: packed, maxBuffer: 2 ** 30 }).equals(content));
    // A second member would begin with the magic again: reading must end exactly at the trailer of the first.
    t.is(packed.readUInt32LE(packed.byteLength - 4), sizeBytes);
  });
}

test("gzip() finds repetitions across its blocks", async (t) => {
  const line = Buffer.from("the same words over and over, beyond any block; ");
  const content = Buffer.alloc(4 * MIB, line);
  t.true((await pack(content)).byteLength < gunzipSync(await pack(content)).byteLength / 200);
});

test("gzip() compresses zeros between data", async (t) => {
  const content = Buffer.alloc(12 * MIB);
  seededDisk("edge", { sizeBytes: 100_000, every: 1 }).copy(content, 5 * MIB - 50_000);
  t.true(gunzipSync(await pack(content)).equals(content));
});

test("gzip() packs tighter at higher levels, and refuses levels that do not exist", async (t) => {
  const content = seededDisk("level", { sizeBytes: 2 * MIB, every: 8 });
  t.true((await pack(content, 9)).byteLength <= (await pack(content, 1)).byteLength);
  for (const level of [0, 10, 1.5]) t.throws(() => gzip({ level }), { instanceOf: RangeError });
});
