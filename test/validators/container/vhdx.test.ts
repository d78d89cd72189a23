import test from "ava";
import { vhdxImage, VHDX_PLACES } from "../../../fixtures/hostile/good/vhdx.ts";
import { prefixView } from "../../../validators/container/image-view.ts";
import { readVhdx } from "../../../validators/container/vhdx.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const read = (image: Buffer) => readVhdx(prefixView(image, image.byteLength));

test("readVhdx() follows region table and metadata to the blocks", async (t) => {
  const vhdx = await read(vhdxImage());
  t.like(vhdx.header, {
    version: 1,
    logVersion: 0,
    hasLog: false,
    log: { offset: VHDX_PLACES.log, length: MIB },
  });
  t.like(vhdx.regions, { bat: { offset: VHDX_PLACES.table }, metadata: { offset: VHDX_PLACES.metadata } });
  t.like(vhdx.metadata, {
    isValid: true,
    hasParent: false,
    blockBytes: MIB,
    diskBytes: 4 * MIB,
    sectorBytes: 512,
    batEntryCount: 4,
  });
  t.deepEqual(vhdx.blocks, [VHDX_PLACES.block]);
});

test("readVhdx() takes the header with the higher number, and the other where that is damaged", async (t) => {
  let sequence = 0;
  const image = vhdxImage({ header: (header) => header.fill(sequence++ === 0 ? 0 : 7, 48, 64) });
  t.true((await read(image)).header?.hasLog);
  image.writeUInt8(9, 128 * KIB + 100);
  t.false((await read(image)).header?.hasLog);
});

test("readVhdx() takes the second region table where the first is damaged", async (t) => {
  const image = vhdxImage();
  image.writeUInt8(9, 192 * KIB + 100);
  t.not((await read(image)).regions, undefined);
  image.writeUInt8(9, 256 * KIB + 100);
  t.is((await read(image)).regions, undefined);
});

test("readVhdx() says that it has not seen what a beginning does not hold", async (t) => {
  const image = vhdxImage();
  t.false((await readVhdx(prefixView(image.subarray(0, 100 * KIB)))).isSeen);
  const half = await readVhdx(prefixView(image.subarray(0, 512 * KIB)));
  t.true(half.isSeen);
  t.is(half.metadata, undefined);
});

test("readVhdx() leaves out the entries of sector bitmaps", async (t) => {
  // With sectors of 512 bytes and blocks of 256 MiB every 17th entry is one.
  const image = vhdxImage({
    metadata(metadata) {
      metadata.writeUInt32LE(256 * MIB, 64 * KIB);
      metadata.writeBigUInt64LE(BigInt(5 * 1024 * MIB), 64 * KIB + 16);
    },
    table: (table) => table.writeBigUInt64LE(BigInt(9 * MIB) | 6n, 16 * 8),
  });
  t.like(await read(image), { metadata: { batEntryCount: 21 }, blocks: [VHDX_PLACES.block] });
});
