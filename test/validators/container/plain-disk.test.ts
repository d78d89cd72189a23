import test from "ava";
import { qcow2Image } from "../../../fixtures/hostile/good/qcow2.ts";
import { rawDisk } from "../../../fixtures/hostile/good/raw.ts";
import { fixedVhd } from "../../../fixtures/hostile/good/vhd.ts";
import type { Bytes } from "../../../pipeline/contract.ts";
import { plainDisk } from "../../../validators/container/plain-disk.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";

const through = (content: Uint8Array, chunkBytes: number, allowsNested = false): Bytes =>
  plainDisk({ name: "disk", allowsNested }).transform(chunked(content, chunkBytes), testContext());

test("plainDisk() passes every length in every chunking unchanged", async (t) => {
  for (const lengthBytes of [0, 1, 511, 512, 513, 36_863, 36_864, 36_865, 200_000]) {
    for (const chunkBytes of [7, 512, 36_864, 65_536, 1_000_000]) {
      const content = rawDisk().subarray(0, lengthBytes);
      t.deepEqual(await collect(through(content, chunkBytes)), content, `${lengthBytes} in ${chunkBytes}`);
    }
  }
});

test("plainDisk() refuses an image inside a disk before it gives out a byte", async (t) => {
  for (const chunkBytes of [3, 512, 65_536]) {
    const iterator = through(qcow2Image(), chunkBytes)[Symbol.asyncIterator]();
    t.is((await failure(() => iterator.next())).code, "FORMAT_MISMATCH");
  }
});

test("plainDisk() refuses a fixed VHD at its end, however the footer is cut up", async (t) => {
  const vhd = fixedVhd().subarray(-600_000);
  for (const chunkBytes of [100, 511, 512, 513, 65_536, 600_000]) {
    t.is((await failure(() => collect(through(vhd, chunkBytes)))).code, "FORMAT_MISMATCH");
  }
});

test("plainDisk() refuses an image shorter than what it looks at", async (t) => {
  t.is((await failure(() => collect(through(qcow2Image().subarray(0, 1000), 10)))).code, "FORMAT_MISMATCH");
});

test("plainDisk() lets nested images pass where they are allowed", async (t) => {
  for (const content of [qcow2Image(), fixedVhd()]) {
    t.deepEqual(await collect(through(content, 65_536, true)), content);
  }
});

test("plainDisk() pulls no further than it must, and keeps the end also when its chunks are written to", async (t) => {
  let pulledBytes = 0;
  async function* counting(): Bytes {
    for await (const chunk of chunked(fixedVhd().subarray(-100_000), 1000)) {
      pulledBytes += chunk.byteLength;
      yield Uint8Array.from(chunk);
    }
  }
  const iterator = plainDisk({ name: "disk" }).transform(counting(), testContext())[Symbol.asyncIterator]();
  await iterator.next();
  t.is(pulledBytes, 37_000);
  const rest = async () => {
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
      next.value.fill(0);
  };
  t.is((await failure(rest)).code, "FORMAT_MISMATCH");
});
