import { crc32c } from "./crc32c.ts";
import { padded, u64le } from "./fields.ts";
import type { ImageView } from "./image-view.ts";
import { readTable, type Region } from "./regions.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const HEADER_OFFSETS = [64 * KIB, 128 * KIB] as const; // [MS-VHDX] 2.2
const HEADER_BYTES = 4 * KIB;
const REGION_TABLE_OFFSETS = [192 * KIB, 256 * KIB] as const;
const TABLE_BYTES = 64 * KIB;
const MAX_ENTRIES = 2047; // 2.2.3.1, 2.6.1.1

/** 2.2.3.2 and 2.6.2, as they stand in the file. */
const BAT_REGION = "6677c22d23f600429d64115e9bfd4a08";
const METADATA_REGION = "06a27c8b90479a4bb8fe575f050f886e";
const FILE_PARAMETERS = "3767a1ca36fa434db3b633f0aa44e76b";
const DISK_SIZE = "2442a52f1bcd7648b2115dbed83bf4b8";
const LOGICAL_SECTOR_SIZE = "1dbf41816fa90947ba47f233a8faab5f";
const PARENT_LOCATOR = "2d5fd3a80bb34d45abf7d3d84834ab0c";
const KNOWN_ITEMS: ReadonlySet<string> = new Set([
  FILE_PARAMETERS,
  DISK_SIZE,
  LOGICAL_SECTOR_SIZE,
  PARENT_LOCATOR,
  "c748a3cd5d4471449cc9e9885251c556", // physical sector size
  "ab12cabee6b2234593efc309e000c746", // page 83 data
]);

export interface VhdxHeader {
  readonly version: number;
  readonly logVersion: number;
  /** The log is to be replayed unless its GUID is zero. */
  readonly hasLog: boolean;
  readonly log: Region;
}

/** What a VHDX says of itself, as far as it was read. Offsets and lengths are bytes. */
export interface Vhdx {
  readonly fileBytes: number | undefined;
  /** Whether the two headers, or the two region tables, were at hand. */
  readonly isSeen: boolean;
  /** The valid header with the higher sequence number. */
  readonly header: VhdxHeader | undefined;
  readonly regions: { readonly bat: Region; readonly metadata: Region } | undefined;
  readonly unknownRequired: readonly string[];
  /** Undefined where the metadata region is not at hand. */
  readonly metadata: VhdxMetadata | undefined;
  /** Places of payload blocks that the table read names. */
  readonly blocks: readonly number[];
}

export interface VhdxMetadata {
  readonly isValid: boolean;
  readonly unknownRequired: readonly string[];
  readonly hasParent: boolean;
  readonly blockBytes: number;
  readonly diskBytes: number;
  readonly sectorBytes: number;
  /** How many entries the block table must have. */
  readonly batEntryCount: number;
}

export async function readVhdx(view: ImageView): Promise<Vhdx> {
  const headers = await Promise.all(HEADER_OFFSETS.map((offset) => view.read(offset, HEADER_BYTES)));
  const newest = headers
    .filter((bytes) => isWhole(bytes, "head", HEADER_BYTES))
    .toSorted((a, b) => u64le(b, 8) - u64le(a, 8))[0];
  // The second table is a copy that counts when the first is damaged.
  const [first, second] = REGION_TABLE_OFFSETS;
  let table = await view.read(first, TABLE_BYTES);
  const isSeen =
    table.byteLength === TABLE_BYTES && headers.every(({ byteLength }) => byteLength === HEADER_BYTES);
  if (!isWhole(table, "regi", TABLE_BYTES)) table = await view.read(second, TABLE_BYTES);
  const { bat, metadata, unknownRequired } = parseRegions(table);
  const items = metadata === undefined ? undefined : await readMetadata(view, metadata);
  return {
    fileBytes: view.sizeBytes,
    isSeen,
    header: newest && parseHeader(newest),
    regions: bat === undefined || metadata === undefined ? undefined : { bat, metadata },
    unknownRequired,
    metadata: items,
    blocks: bat === undefined || items === undefined ? [] : await readBlocks(view, bat, items),
  };
}

function isWhole(bytes: Buffer, mark: string, lengthBytes: number): boolean {
  return (
    bytes.byteLength === lengthBytes &&
    bytes.toString("latin1", 0, 4) === mark &&
    bytes.readUInt32LE(4) === crc32c(bytes, 4)
  );
}

/** 2.2.2. */
function parseHeader(bytes: Buffer): VhdxHeader {
  return {
    hasLog: bytes.subarray(48, 64).some((byte) => byte !== 0),
    logVersion: bytes.readUInt16LE(64),
    version: bytes.readUInt16LE(66),
    log: { what: "log", offset: u64le(bytes, 72), length: bytes.readUInt32LE(68) },
  };
}

/** 2.2.3: entries of GUID, offset, length and whether a reader must know it. */
function parseRegions(table: Buffer): {
  readonly bat: Region | undefined;
  readonly metadata: Region | undefined;
  readonly unknownRequired: readonly string[];
} {
  let [bat, metadata]: [Region?, Region?] = [];
  const unknownRequired: string[] = [];
  const isValid = isWhole(table, "regi", TABLE_BYTES) && table.readUInt32LE(8) <= MAX_ENTRIES;
  const count = isValid ? table.readUInt32LE(8) : 0;
  for (let at = 16; at < 16 + count * 32; at += 32) {
    const guid = table.toString("hex", at, at + 16);
    const place = { offset: u64le(table, at + 16), length: table.readUInt32LE(at + 24) };
    if (guid === BAT_REGION && bat === undefined) bat = { what: "block table", ...place };
    else if (guid === METADATA_REGION && metadata === undefined) metadata = { what: "metadata", ...place };
    else if ((table.readUInt32LE(at + 28) & 1) !== 0) unknownRequired.push(guid);
  }
  return { bat, metadata, unknownRequired };
}

/** 2.6; undefined where the region is not at hand. */
async function readMetadata(view: ImageView, { offset, length }: Region): Promise<VhdxMetadata | undefined> {
  const table = await view.read(offset, 32 + 32 * 32); // writers use six items
  if (table.byteLength < 32) return undefined;
  const items = new Map<string, Region>();
  const unknownRequired: string[] = [];
  const count = table.readUInt16LE(10);
  let isValid = table.toString("latin1", 0, 8) === "metadata" && count * 32 + 32 <= table.byteLength;
  for (let at = 32; at + 32 <= Math.min(32 + count * 32, table.byteLength); at += 32) {
    const guid = table.toString("hex", at, at + 16);
    const item = { what: guid, offset: table.readUInt32LE(at + 16), length: table.readUInt32LE(at + 20) };
    if (item.offset < TABLE_BYTES || item.offset + item.length > length || items.has(guid)) isValid = false;
    if (!KNOWN_ITEMS.has(guid) && (table.readUInt32LE(at + 24) & 4) !== 0) unknownRequired.push(guid);
    items.set(guid, item);
  }
  const value = async (guid: string): Promise<Buffer> => {
    const item = items.get(guid);
    if (item === undefined) isValid = false;
    return padded(
      item === undefined ? new Uint8Array() : await view.read(offset + item.offset, Math.min(item.length, 8)),
      8,
    );
  };
  const [parameters, size, sector] = [
    await value(FILE_PARAMETERS),
    await value(DISK_SIZE),
    await value(LOGICAL_SECTOR_SIZE),
  ];
  const [blockBytes, diskBytes, sectorBytes] = [
    parameters.readUInt32LE(0),
    u64le(size, 0),
    sector.readUInt32LE(0),
  ];
  const blocks = Math.ceil(diskBytes / Math.max(1, blockBytes));
  return {
    isValid,
    unknownRequired,
    hasParent: (parameters.readUInt32LE(4) & 2) !== 0 || items.has(PARENT_LOCATOR),
    blockBytes,
    diskBytes,
    sectorBytes,
    batEntryCount: blocks + Math.floor((blocks - 1) / chunkRatio({ blockBytes, sectorBytes })),
  };
}

/** How many payload blocks come between two bitmap blocks in the table (2.5). */
function chunkRatio({
  blockBytes,
  sectorBytes,
}: {
  readonly blockBytes: number;
  readonly sectorBytes: number;
}): number {
  return Math.max(1, Math.floor((2 ** 23 * sectorBytes) / Math.max(1, blockBytes)));
}

/** 2.5.1.1: state in the low three bits, place in MiB above bit 20. */
async function readBlocks(view: ImageView, bat: Region, items: VhdxMetadata): Promise<readonly number[]> {
  const every = chunkRatio(items) + 1;
  const table = await readTable(view, { ...bat, length: Math.min(bat.length, items.batEntryCount * 8) }, 8);
  const blocks: number[] = [];
  for (let at = 0, index = 0; at < table.byteLength; at += 8, index++) {
    const state = table.readUInt8(at) & 7;
    if (index % every !== every - 1 && (state === 6 || state === 7))
      blocks.push(Math.floor(u64le(table, at) / MIB) * MIB);
  }
  return blocks;
}
