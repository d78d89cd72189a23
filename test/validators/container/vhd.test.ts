import test from "ava";
import { dynamicVhd, fixedVhd, VHD_PLACES, vhdFooter } from "../../../fixtures/hostile/good/vhd.ts";
import { prefixView } from "../../../validators/container/image-view.ts";
import { readVhd } from "../../../validators/container/vhd.ts";

const MIB = 1024 * 1024;
const GEOMETRY_BYTES = 120 * 4 * 17 * 512;
const read = (image: Buffer) => readVhd(prefixView(image, image.byteLength));

test("readVhd() reads the end of a fixed disk, and header and table of a dynamic one", async (t) => {
  t.like(await read(fixedVhd()), {
    diskBytes: 4 * MIB,
    dynamic: undefined,
    copy: undefined,
    blocks: [],
    hasEnd: true,
  });
  const dynamic = await read(dynamicVhd());
  t.like(dynamic.dynamic, {
    hasMark: true,
    hasChecksum: true,
    blockCount: 2,
    blockBytes: 2 * MIB,
    tableOffset: VHD_PLACES.table,
  });
  t.deepEqual(dynamic.blocks, [VHD_PLACES.block]);
  t.true(dynamic.footer.hasChecksum);
});

for (const [creator, bytes] of [
  ["win ", 4 * MIB],
  ["qem2", 4 * MIB],
  ["d2v ", 4 * MIB],
  ["tap\0", 4 * MIB],
  ["vs  ", 4 * MIB],
  ["CTXS", 4 * MIB],
  ["vpc ", GEOMETRY_BYTES],
  ["qemu", GEOMETRY_BYTES],
] as const) {
  test(`readVhd() takes the size of a disk by "${creator.replace("\0", "\\0")}" as qemu does`, async (t) => {
    const footer = vhdFooter(3, (footer) => footer.write(creator, 28, "latin1"));
    t.is((await read(dynamicVhd(footer))).diskBytes, bytes);
  });
}

test("readVhd() takes the current size where the geometry is the largest there is", async (t) => {
  const footer = vhdFooter(3, (footer) => {
    footer.write("vpc ", 28, "latin1");
    footer.writeUInt16BE(65_535, 56);
    footer.writeUInt8(16, 58);
    footer.writeUInt8(255, 59);
  });
  t.is((await read(dynamicVhd(footer))).diskBytes, 4 * MIB);
});

test("readVhd() reads the copy at the beginning where the end is not at hand", async (t) => {
  const vhd = await readVhd(prefixView(dynamicVhd().subarray(0, 65_536)));
  t.false(vhd.hasEnd);
  t.is(vhd.diskBytes, 4 * MIB);
});
