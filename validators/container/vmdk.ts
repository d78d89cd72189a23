import { padded, u64le } from "./fields.ts";
import { type ImageView, TAIL_BYTES } from "./image-view.ts";
import { type Places, readTable, type Region } from "./regions.ts";
import { parseVmdkDescriptor, type VmdkDescriptor } from "./vmdk-descriptor.ts";

const SECTOR = 512;
/** Real ones have 20 sectors and a few KiB of text. */
export const MAX_DESCRIPTOR_BYTES = 64 * 1024;
/** SparseExtentHeader.gdOffset of a stream: the grain directory is told by a footer at the end. */
const GD_AT_END = 2 ** 64;
/** Behind the footer stands the end-of-stream marker; both are one sector. */
const FOOTER_FROM_END = 2 * SECTOR;

/** SparseExtentHeader (VMware "Virtual Disk Format 5.0"), little-endian; here in bytes where it has sectors. */
export interface SparseHeader {
  readonly version: number;
  readonly flags: number;
  readonly diskBytes: number;
  readonly grainBytes: number;
  readonly descriptorOffset: number;
  readonly descriptorBytes: number;
  readonly entriesPerTable: number;
  /** Undefined for a stream, whose footer tells. */
  readonly directoryOffset: number | undefined;
  readonly newlines: string;
  readonly compression: number;
}

/** What a sparse VMDK says of itself, as far as it was read. Offsets and lengths are bytes. */
export interface Vmdk {
  readonly fileBytes: number | undefined;
  readonly header: SparseHeader;
  /** Of a stream; absent for others, or where the end is not at hand. */
  readonly footer?: SparseHeader;
  readonly descriptor?: VmdkDescriptor;
  /** Header, descriptor and grain directory. */
  readonly tables: readonly Region[];
  readonly grainTables: Places;
  /** Offsets of the grains that the tables read name. */
  readonly grains: readonly number[];
}

export async function readVmdk(view: ImageView): Promise<Vmdk> {
  const header = sparseHeader(padded(view.head, SECTOR));
  const footer = header.directoryOffset === undefined ? await readFooter(view) : undefined;
  const { descriptorOffset, descriptorBytes } = header;
  const text = await view.read(descriptorOffset, Math.min(descriptorBytes, MAX_DESCRIPTOR_BYTES));
  const directory = directoryOf(footer ?? header);
  const tableOffsets = directory === undefined ? [] : await readSectorTable(view, directory);
  const grainTables = { what: "grain table", lengthBytes: header.entriesPerTable * 4, offsets: tableOffsets };
  return {
    fileBytes: view.sizeBytes,
    header,
    ...(footer === undefined ? {} : { footer }),
    ...(text.byteLength === 0 || text.byteLength < Math.min(descriptorBytes, MAX_DESCRIPTOR_BYTES)
      ? {}
      : { descriptor: parseVmdkDescriptor(text) }),
    tables: [
      { what: "header", offset: 0, length: SECTOR },
      { what: "descriptor", offset: descriptorOffset, length: descriptorBytes },
      ...(directory === undefined ? [] : [directory]),
    ],
    grainTables,
    grains: await readGrains(view, grainTables),
  };
}

function sparseHeader(bytes: Buffer): SparseHeader {
  const sectors = (at: number) => u64le(bytes, at) * SECTOR;
  const directory = u64le(bytes, 56);
  return {
    version: bytes.readUInt32LE(4),
    flags: bytes.readUInt32LE(8),
    diskBytes: sectors(12),
    grainBytes: sectors(20),
    descriptorOffset: sectors(28),
    descriptorBytes: sectors(36),
    entriesPerTable: bytes.readUInt32LE(44),
    directoryOffset: directory >= GD_AT_END ? undefined : directory * SECTOR,
    newlines: bytes.toString("latin1", 73, 77),
    compression: bytes.readUInt16LE(77),
  };
}

async function readFooter(view: ImageView): Promise<SparseHeader | undefined> {
  if (view.sizeBytes === undefined || view.tail === undefined) return undefined;
  const bytes = await view.read(view.sizeBytes - FOOTER_FROM_END, TAIL_BYTES);
  if (bytes.toString("latin1", 0, 4) !== "KDMV") return sparseHeader(Buffer.alloc(SECTOR)); // which no header equals
  return sparseHeader(padded(bytes, SECTOR));
}

function directoryOf({
  directoryOffset,
  diskBytes,
  grainBytes,
  entriesPerTable,
}: SparseHeader): Region | undefined {
  if (directoryOffset === undefined) return undefined;
  const coveredBytes = grainBytes * entriesPerTable;
  const length = coveredBytes === 0 ? 0 : Math.ceil(diskBytes / coveredBytes) * 4;
  return { what: "grain directory", offset: directoryOffset, length };
}

/** The offsets in a table of sector numbers that are not empty, as far as it can be read. */
async function readSectorTable(view: ImageView, region: Region): Promise<readonly number[]> {
  const table = await readTable(view, region, 4);
  const offsets: number[] = [];
  for (let at = 0; at < table.byteLength; at += 4) {
    const sector = table.readUInt32LE(at);
    if (sector > 1) offsets.push(sector * SECTOR); // 0: never written; 1: written with zeroes
  }
  return offsets;
}

/** Tables usually stand side by side, so that they are read in one piece. */
async function readGrains(
  view: ImageView,
  { what, lengthBytes, offsets }: Places,
): Promise<readonly number[]> {
  if (lengthBytes === 0) return []; // which is a broken rule
  const grains: (readonly number[])[] = [];
  for (let index = 0; index < offsets.length;) {
    const offset = offsets[index] ?? 0;
    let count = 1;
    while (offsets[index + count] === offset + count * lengthBytes) count++;
    grains.push(await readSectorTable(view, { what, offset, length: count * lengthBytes }));
    index += count;
  }
  return grains.flat();
}
