import test from "ava";
import { identifyFileSystem } from "../../../validators/disk/file-system.ts";
import { memoryBlocks } from "../../support/blocks.ts";
import { testContext } from "../../support/context.ts";
import { identifiesAll } from "../../support/volumes.ts";

identifiesAll([
  {
    command: ["mkfs.fat", "-F", "12", "-n", "TWELVE", "-i", "12345678"],
    sizeMib: 2,
    expected: { type: "FAT12", label: "TWELVE", uuid: "1234-5678" },
  },
  {
    command: ["mkfs.fat", "-F", "16", "-n", "SIXTEEN", "-i", "0000ABCD"],
    sizeMib: 20,
    expected: { type: "FAT16", label: "SIXTEEN", uuid: "0000-ABCD" },
  },
  {
    command: ["mkfs.fat", "-F", "32", "-i", "DEADBEEF"],
    sizeMib: 64,
    expected: { type: "FAT32", uuid: "DEAD-BEEF" },
  },
  { command: ["mkfs.ntfs", "-q", "-F", "-f"], sizeMib: 16, expected: { type: "ntfs" } },
  { command: ["mkfs.exfat"], sizeMib: 16, expected: { type: "exfat" } },
]);

/** A boot sector of FAT16 with `sectorCount` sectors of 512 bytes, a cluster each, and nothing before the clusters but 34 sectors. */
function fatBootSector(sectorCount: number): Buffer {
  const sector = Buffer.alloc(512);
  sector.set([0xeb, 0x3c, 0x90]);
  sector.writeUInt16LE(512, 11);
  sector.writeUInt8(1, 13);
  sector.writeUInt16LE(1, 14);
  sector.writeUInt8(1, 16);
  sector.writeUInt16LE(16, 17);
  sector.writeUInt8(0xf8, 21);
  sector.writeUInt16LE(32, 22);
  sector.writeUInt32LE(sectorCount, 32);
  return sector;
}

test("identifyFileSystem() tells the kinds of FAT by the number of clusters alone", async (t) => {
  const typeOf = async (clusters: number) =>
    (await identifyFileSystem(memoryBlocks(fatBootSector(clusters + 34)), 0, 512, testContext()))?.type;
  t.is(await typeOf(1), "FAT12");
  t.is(await typeOf(4084), "FAT12");
  t.is(await typeOf(4085), "FAT16");
  t.is(await typeOf(65_524), "FAT16");
  t.is(await typeOf(65_525), "FAT32");
  t.is(await typeOf(0), undefined);
});
