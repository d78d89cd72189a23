import { padded, u64be } from "./fields.ts";
import type { ImageView } from "./image-view.ts";
import { type Places, readTable, type Region } from "./regions.ts";

/** Of a version 3 header with all fields that are defined; qemu docs/interop/qcow2.txt, "Header". */
const HEADER_BYTES = 112;
const VERSION_2_HEADER_BYTES = 72;
/** Bits 9 to 55 of an L1 or L2 entry: the offset ("L1 table entry", "Standard Cluster Descriptor"). */
const OFFSET_HIGH_MASK = 0x00ffffff;
const OFFSET_LOW_MASK = 0xfffffe00;
const COMPRESSED_BIT = 0x40000000;

export interface HeaderExtension {
  readonly type: number;
  readonly offset: number;
  readonly lengthBytes: number;
}

/** What a qcow2 says of itself, as far as it was read. Offsets and lengths are bytes. */
export interface Qcow2 {
  readonly fileBytes: number | undefined;
  readonly version: number;
  readonly headerBytes: number;
  readonly clusterBits: number;
  readonly clusterBytes: number;
  readonly diskBytes: number;
  readonly backing: { readonly offset: number; readonly lengthBytes: number; readonly name: string };
  readonly encryption: number;
  readonly incompatible: { readonly high: number; readonly low: number };
  readonly compressionType: number;
  readonly refcountOrder: number;
  readonly snapshotCount: number;
  readonly l1: { readonly offset: number; readonly count: number; readonly wantedCount: number };
  readonly refcountClusters: number;
  readonly extensions: readonly HeaderExtension[];
  /** Tables that the header places. */
  readonly tables: readonly Region[];
  /** Tables that those tables place, as far as they were read. */
  readonly innerTables: Places;
  readonly clusters: Clusters;
}

/** What the L2 tables that were read say of the data. */
export interface Clusters {
  /** Offsets of clusters that are stored as they are. */
  readonly plain: readonly number[];
  /** How many are compressed, and the least they take together. */
  readonly compressedCount: number;
  readonly compressedBytes: number;
  /** The end of the compressed cluster that starts last. */
  readonly compressedEnd: number;
}

/** Reads header, extensions, L1 and refcount table, and L2 tables as far as the bound of the view allows. */
export async function readQcow2(view: ImageView): Promise<Qcow2> {
  const header = padded(view.head, HEADER_BYTES);
  const version = header.readUInt32BE(4);
  const isVersion3 = version >= 3;
  const headerBytes = isVersion3 ? header.readUInt32BE(100) : VERSION_2_HEADER_BYTES;
  const clusterBits = header.readUInt32BE(20);
  // Out of bounds is a broken rule; the reader goes on with something that it can multiply.
  const clusterBytes = 2 ** Math.min(Math.max(clusterBits, 9), 21);
  const diskBytes = u64be(header, 24);
  const incompatible = isVersion3
    ? { high: header.readUInt32BE(72), low: header.readUInt32BE(76) }
    : { high: 0, low: 0 };
  const backingOffset = u64be(header, 8);
  const backingBytes = header.readUInt32BE(16);
  const entryBytes = (incompatible.low & 16) === 0 ? 8 : 16; // extended L2 entries
  const l1 = {
    offset: u64be(header, 40),
    count: header.readUInt32BE(36),
    wantedCount: Math.ceil(diskBytes / clusterBytes / (clusterBytes / entryBytes)),
  };
  const refcountTable: Region = {
    what: "refcount table",
    offset: u64be(header, 48),
    length: header.readUInt32BE(56) * clusterBytes,
  };
  const snapshotCount = header.readUInt32BE(60);
  const l1Table: Region = { what: "L1 table", offset: l1.offset, length: l1.count * 8 };
  const snapshots: Region = { what: "snapshot table", offset: u64be(header, 64), length: snapshotCount * 40 };
  const [l2Offsets, refcountOffsets] = [
    await readPointers(view, l1Table),
    await readPointers(view, refcountTable),
  ];
  return {
    fileBytes: view.sizeBytes,
    version,
    headerBytes,
    clusterBits,
    clusterBytes,
    diskBytes,
    backing: {
      offset: backingOffset,
      lengthBytes: backingBytes,
      name: view.head.toString("utf8", backingOffset, backingOffset + Math.min(backingBytes, 1023)),
    },
    encryption: header.readUInt32BE(32),
    incompatible,
    compressionType: isVersion3 && headerBytes > 104 ? header.readUInt8(104) : 0,
    refcountOrder: isVersion3 ? header.readUInt32BE(96) : 4,
    snapshotCount,
    l1,
    refcountClusters: header.readUInt32BE(56),
    extensions: readExtensions(view.head, headerBytes, clusterBytes),
    tables: [
      { what: "header", offset: 0, length: headerBytes },
      l1Table,
      refcountTable,
      ...(snapshotCount === 0 ? [] : [snapshots]),
    ],
    innerTables: {
      what: "L2 table or refcount block",
      lengthBytes: clusterBytes,
      offsets: [...l2Offsets, ...refcountOffsets],
    },
    clusters: await readClusters(view, l2Offsets, { clusterBits, clusterBytes, entryBytes }),
  };
}

/** Header extensions up to the end mark, or to where they stop making sense: the last one then ends outside. */
function readExtensions(head: Buffer, headerBytes: number, clusterBytes: number): readonly HeaderExtension[] {
  const extensions: HeaderExtension[] = [];
  const end = Math.min(clusterBytes, head.byteLength);
  for (let at = headerBytes; at + 8 <= end;) {
    const [type, lengthBytes] = [head.readUInt32BE(at), head.readUInt32BE(at + 4)];
    if (type === 0) break;
    extensions.push({ type, offset: at, lengthBytes });
    at += 8 + Math.ceil(lengthBytes / 8) * 8;
  }
  return extensions;
}

/** The offsets in a table of 8-byte entries that are not empty, as far as it can be read. */
async function readPointers(view: ImageView, region: Region): Promise<readonly number[]> {
  const table = await readTable(view, region, 8);
  const offsets: number[] = [];
  for (let at = 0; at < table.byteLength; at += 8) {
    const found = pointer(table, at);
    if (found !== 0) offsets.push(found);
  }
  return offsets;
}

function pointer(table: Buffer, at: number): number {
  return (
    (table.readUInt32BE(at) & OFFSET_HIGH_MASK) * 2 ** 32 +
    ((table.readUInt32BE(at + 4) & OFFSET_LOW_MASK) >>> 0)
  );
}

async function readClusters(
  view: ImageView,
  l2Offsets: readonly number[],
  {
    clusterBits,
    clusterBytes,
    entryBytes,
  }: { clusterBits: number; clusterBytes: number; entryBytes: number },
): Promise<Clusters> {
  const plain: number[] = [];
  let [compressedCount, compressedBytes, compressedEnd] = [0, 0, 0];
  // "Compressed Clusters Descriptor": x = 62 - (cluster_bits - 8); offset below bit x, sectors above.
  const sectorShift = 62 - (Math.min(Math.max(clusterBits, 9), 21) - 8) - 32;
  for (const l2Offset of l2Offsets) {
    const table = await view.read(l2Offset, clusterBytes);
    for (let at = 0; at + 8 <= table.byteLength; at += entryBytes) {
      const high = table.readUInt32BE(at);
      if ((high & COMPRESSED_BIT) === 0) {
        const offset = pointer(table, at);
        if (offset !== 0) plain.push(offset);
        continue;
      }
      const offset = (high & (2 ** sectorShift - 1)) * 2 ** 32 + table.readUInt32BE(at + 4);
      const sectorCount = (high & 0x3fffffff) >>> sectorShift;
      // The first sector belongs to the cluster from its offset on; the last one may hold the next one's beginning.
      compressedCount++;
      compressedBytes += Math.max(1, sectorCount * 512 - (offset % 512));
      compressedEnd = Math.max(compressedEnd, offset + 1);
    }
    if (table.byteLength < clusterBytes) break;
  }
  return { plain, compressedCount, compressedBytes, compressedEnd };
}
