import { padded, u64le } from "./fields.ts";
import type { ImageView } from "./image-view.ts";
import { firstOutside, firstPlaceShared, readTable, type Region } from "./regions.ts";
import { brokenIf, container, type Rule, unlessFound } from "./rule.ts";

/** VirtualBox VDICore.h, VDIHEADER1PLUS: everything is little-endian. */
const HEADER_BYTES = 512;
const MIB = 1024 * 1024;
/** The least map entry of a block that is not in the file: zeroes (this) or never written (0xffffffff). */
const ZERO_BLOCK = 0xfffffffe;

interface Vdi {
  readonly fileBytes: number | undefined;
  readonly version: number;
  readonly imageType: number;
  readonly mapOffset: number;
  readonly dataOffset: number;
  readonly sectorBytes: number;
  readonly diskBytes: number;
  readonly blockBytes: number;
  readonly blockExtraBytes: number;
  readonly blockCount: number;
  readonly allocatedCount: number;
  readonly parents: Buffer;
  /** As much of the map as was at hand, without free and zero blocks. */
  readonly allocated: readonly number[];
}

async function readVdi(view: ImageView): Promise<Vdi> {
  const header = padded(view.head, HEADER_BYTES);
  const u32 = (at: number) => header.readUInt32LE(at);
  const mapOffset = u32(0x154);
  const blockCount = u32(0x180);
  const map = await readTable(view, { what: "block map", offset: mapOffset, length: blockCount * 4 }, 4);
  const allocated: number[] = [];
  for (let at = 0; at < map.byteLength; at += 4) {
    const entry = map.readUInt32LE(at);
    if (entry < ZERO_BLOCK) allocated.push(entry);
  }
  return {
    fileBytes: view.sizeBytes,
    version: u32(0x44),
    imageType: u32(0x4c),
    mapOffset,
    dataOffset: u32(0x158),
    sectorBytes: u32(0x168),
    diskBytes: u64le(header, 0x170),
    blockBytes: u32(0x178),
    blockExtraBytes: u32(0x17c),
    blockCount,
    allocatedCount: u32(0x184),
    parents: header.subarray(0x1a8, 0x1c8), // UUIDs of link and parent
    allocated,
  };
}

const REPAIR = "Make the image again with the program that wrote it";

const RULES: readonly Rule<Vdi>[] = [
  {
    id: "vdi-parent",
    reads: "image type at 0x4c, UUIDs of link and parent at 0x1a8",
    refuses: "undo and differencing images, and anything but dynamic (1) and fixed (2)",
    severity: "error",
    code: "IMAGE_UNSAFE",
    remedy: "Merge it with its parent first: VBoxManage clonemedium",
    check: ({ imageType, parents }) =>
      brokenIf((imageType !== 1 && imageType !== 2) || parents.some((byte) => byte !== 0), () =>
        imageType > 2
          ? `it is a VDI of type ${imageType}, whose other half is in another file`
          : `it names a parent or is of type ${imageType}`,
      ),
  },
  {
    id: "vdi-header",
    reads: "version, sector size, block size and count, disk size in the first 512 bytes",
    refuses:
      "a version other than 1.1, sectors other than 512 bytes, blocks other than 1 MiB, blocks that do not cover the disk",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: REPAIR,
    check: ({ version, sectorBytes, blockBytes, blockExtraBytes, blockCount, diskBytes }) =>
      brokenIf(
        version !== 0x10001 ||
          sectorBytes !== 512 ||
          blockBytes !== MIB || // the only size that qemu reads (block/vdi.c)
          blockExtraBytes !== 0 ||
          blockCount * blockBytes < diskBytes,
        () =>
          `its header contradicts itself: version ${version.toString(16)}, sectors of ${sectorBytes}, ${blockCount} blocks of ${blockBytes} + ${blockExtraBytes} bytes for a disk of ${diskBytes} bytes`,
      ),
  },
  {
    id: "vdi-tables",
    reads: "offsets of block map and data at 0x154, length of the file",
    refuses: "a block map outside the file or overlapping header or data",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: REPAIR,
    check({ fileBytes, mapOffset, dataOffset, blockCount }) {
      const map: Region = { what: "block map", offset: mapOffset, length: blockCount * 4 };
      if (mapOffset < HEADER_BYTES || mapOffset + map.length > dataOffset) {
        return {
          found: `its block map (${map.length} bytes from ${mapOffset}) does not lie between header and data (from ${dataOffset})`,
        };
      }
      return fileBytes === undefined ? "unseen" : unlessFound(firstOutside([map], fileBytes));
    },
  },
  {
    id: "vdi-blocks",
    reads: "the block map",
    refuses: "blocks that were never allocated, or two entries for one block",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: REPAIR,
    check({ allocated, allocatedCount, blockCount }) {
      if (allocatedCount > blockCount)
        return { found: `it has ${allocatedCount} blocks in a disk of ${blockCount}` };
      const beyond = allocated.find((block) => block >= allocatedCount);
      if (beyond !== undefined) return { found: `its map names block ${beyond} of ${allocatedCount}` };
      return unlessFound(firstPlaceShared({ what: "block", lengthBytes: 1, offsets: allocated }, []));
    },
  },
  {
    id: "vdi-length",
    reads: "number of allocated blocks at 0x184, length of the file",
    refuses: "a file that is too short for its blocks",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: "Fetch the image again",
    check({ fileBytes, dataOffset, allocatedCount, blockBytes }) {
      if (fileBytes === undefined) return "unseen";
      const wantedBytes = dataOffset + allocatedCount * blockBytes;
      return brokenIf(
        fileBytes < wantedBytes,
        () => `its blocks need ${wantedBytes} bytes: current length is ${fileBytes}`,
      );
    },
  },
];

/** VirtualBox disk images, dynamic and fixed. */
export const vdi = container({
  format: "vdi",
  read: readVdi,
  virtualSizeBytes: ({ diskBytes }) => diskBytes,
  rules: RULES,
});
