import { padded, u64be } from "./fields.ts";
import { type ImageView, TAIL_BYTES } from "./image-view.ts";
import { readTable, type Region } from "./regions.ts";

const FOOTER_BYTES = 512;
const DYNAMIC_HEADER_BYTES = 1024;
const FREE_BLOCK = 0xffffffff;
const SECTOR = 512;
/** The largest geometry that the footer can state; disks beyond are as large as their current size (block/vpc.c). */
const MAX_GEOMETRY_SECTORS = 65_535 * 16 * 255;

export const VHD_FIXED = 2;
export const VHD_DYNAMIC = 3;
export const VHD_DIFFERENCING = 4;

/**
 * Creators that qemu believes the current size; of all others it takes cylinders × heads × sectors, which round
 * (qemu block/vpc.c, `vpc_open`).
 */
const CURRENT_SIZE_CREATORS: ReadonlySet<string> = new Set(["win ", "qem2", "d2v ", "tap\0", "vs  ", "CTXS"]);

/** Microsoft "Virtual Hard Disk Image Format Specification", "Hard Disk Footer Format"; big-endian. */
export interface VhdFooter {
  readonly hasMark: boolean;
  readonly creator: string;
  readonly currentBytes: number;
  readonly geometryBytes: number;
  readonly diskType: number;
  readonly dataOffset: number;
  readonly hasChecksum: boolean;
}

/** "Dynamic Disk Header Format". */
export interface DynamicHeader {
  readonly hasMark: boolean;
  readonly tableOffset: number;
  readonly blockCount: number;
  readonly blockBytes: number;
  readonly hasChecksum: boolean;
  readonly parents: Buffer;
}

/** What a VHD says of itself, as far as it was read. Offsets and lengths are bytes. */
export interface Vhd {
  readonly fileBytes: number | undefined;
  /** The one that counts: at the end, or the copy at the beginning where the end is not at hand. */
  readonly footer: VhdFooter;
  /** At the beginning of all but fixed disks. */
  readonly copy: VhdFooter | undefined;
  readonly hasEnd: boolean;
  readonly dynamic: DynamicHeader | undefined;
  readonly tables: readonly Region[];
  /** Of blocks in the file, with their sector bitmaps. */
  readonly blocks: readonly number[];
  /** As qemu and Hyper-V would show it, by {@link CURRENT_SIZE_CREATORS}. */
  readonly diskBytes: number;
}

export async function readVhd(view: ImageView): Promise<Vhd> {
  const copy = parseFooter(padded(view.head, FOOTER_BYTES));
  const end = view.tail && parseFooter(padded(view.tail, FOOTER_BYTES));
  const footer = end ?? copy;
  const isFixed = footer.diskType === VHD_FIXED;
  const dynamic = isFixed
    ? undefined
    : parseDynamic(padded(await view.read(footer.dataOffset, DYNAMIC_HEADER_BYTES), DYNAMIC_HEADER_BYTES));
  const tables: readonly Region[] =
    dynamic === undefined
      ? []
      : [
          { what: "copy of the footer", offset: 0, length: FOOTER_BYTES },
          { what: "dynamic header", offset: footer.dataOffset, length: DYNAMIC_HEADER_BYTES },
          { what: "block table", offset: dynamic.tableOffset, length: dynamic.blockCount * 4 },
          ...(view.sizeBytes === undefined
            ? []
            : [{ what: "footer", offset: view.sizeBytes - TAIL_BYTES, length: TAIL_BYTES }]),
        ];
  const { currentBytes, geometryBytes, creator } = footer;
  const isCurrent = CURRENT_SIZE_CREATORS.has(creator) || geometryBytes === MAX_GEOMETRY_SECTORS * SECTOR;
  return {
    fileBytes: view.sizeBytes,
    footer,
    copy: isFixed ? undefined : copy,
    hasEnd: end !== undefined,
    dynamic,
    tables,
    blocks: dynamic === undefined ? [] : await readBlocks(view, dynamic),
    diskBytes: isCurrent || geometryBytes === 0 ? currentBytes : geometryBytes,
  };
}

function parseFooter(bytes: Buffer): VhdFooter {
  const geometrySectors = bytes.readUInt16BE(56) * bytes.readUInt8(58) * bytes.readUInt8(59);
  return {
    hasMark: bytes.toString("latin1", 0, 8) === "conectix",
    creator: bytes.toString("latin1", 28, 32),
    currentBytes: u64be(bytes, 48),
    geometryBytes: geometrySectors * SECTOR,
    diskType: bytes.readUInt32BE(60),
    dataOffset: u64be(bytes, 16),
    hasChecksum: bytes.readUInt32BE(64) === checksum(bytes.subarray(0, FOOTER_BYTES), 64),
  };
}

function parseDynamic(bytes: Buffer): DynamicHeader {
  return {
    hasMark: bytes.toString("latin1", 0, 8) === "cxsparse",
    tableOffset: u64be(bytes, 16),
    blockCount: bytes.readUInt32BE(28),
    blockBytes: bytes.readUInt32BE(32),
    hasChecksum: bytes.readUInt32BE(36) === checksum(bytes.subarray(0, DYNAMIC_HEADER_BYTES), 36),
    parents: Buffer.concat([bytes.subarray(40, 56), bytes.subarray(64, 768)]), // UUID, name, locators
  };
}

/** One's complement of the sum of all bytes but those of the checksum itself. */
function checksum(bytes: Buffer, at: number): number {
  let sum = 0;
  for (const [index, byte] of bytes.entries()) if (index < at || index >= at + 4) sum += byte;
  return ~sum >>> 0;
}

async function readBlocks(
  view: ImageView,
  { tableOffset, blockCount }: DynamicHeader,
): Promise<readonly number[]> {
  const table = await readTable(
    view,
    { what: "block table", offset: tableOffset, length: blockCount * 4 },
    4,
  );
  const blocks: number[] = [];
  for (let at = 0; at < table.byteLength; at += 4) {
    const sector = table.readUInt32BE(at);
    if (sector !== FREE_BLOCK) blocks.push(sector * SECTOR);
  }
  return blocks;
}
