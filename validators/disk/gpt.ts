import { crc32 } from "node:zlib";
import type { Blocks, Context } from "../../pipeline/contract.ts";
import { isProtective } from "./mbr.ts";
import type { Partition, PartitionTable } from "./partition.ts";
import { gptTypeName } from "./partition-types.ts";
import { peek } from "./peek.ts";
import { guidText } from "./uuid.ts";

/** UEFI 2.10 section 5.3: the header is in the second sector, whose place tells how large sectors are. */
const SECTOR_SIZES = [512, 4096] as const;
const SIGNATURE = "EFI PART";
const HEADER_BYTES = 92;

/** 128 entries of 128 bytes are usual; 1 MiB is 64 times that, and more than any program writes. */
const MAX_ENTRIES_BYTES = 1024 * 1024;

interface Header {
  readonly ownSector: number;
  readonly otherSector: number;
  readonly diskGuid: string;
  readonly entriesSector: number;
  readonly entryCount: number;
  readonly entryBytes: number;
  readonly entriesCrc: number;
}

type Copy = { readonly header: Header; readonly entries: Buffer } | { readonly fault: string };

/** Reads a GPT; see {@link readPartitionTable}. Resolves to undefined where there is none, or only the rest of one. */
export async function readGpt(blocks: Blocks, context: Context): Promise<PartitionTable | undefined> {
  const first = await peek(blocks, 0, 512, context);
  if (first === undefined) return undefined;
  // Without its protective MBR a GPT is a remnant: firmware and Linux go by the MBR then.
  if (!isProtective(first)) return undefined;
  const sectorBytes = await sectorSize(blocks, context);
  const lastSector = Math.floor(blocks.sizeBytes / sectorBytes) - 1;
  const primary = await readCopy(blocks, 1, sectorBytes, context);
  const backupSector = "header" in primary ? primary.header.otherSector : lastSector;
  const backup = await readCopy(blocks, backupSector, sectorBytes, context);
  const problems: string[] = [];
  if ("fault" in primary) problems.push(`The GPT ${primary.fault}`);
  if ("fault" in backup && backup.fault !== UNREAD) problems.push(`The backup GPT ${backup.fault}`);
  else if ("header" in primary && backupSector !== lastSector) {
    problems.push(
      `The backup GPT is in sector ${backupSector}, not in the last sector ${lastSector}: the disk was resized`,
    );
  }
  if ("header" in primary && "header" in backup && !primary.entries.equals(backup.entries)) {
    problems.push("The GPT and its backup list different partitions");
  }
  const copy = "header" in primary ? primary : backup;
  if ("fault" in copy) return { kind: "gpt", id: "", sectorBytes, partitions: [], problems };
  return {
    kind: "gpt",
    id: copy.header.diskGuid,
    sectorBytes,
    partitions: partitionsOf(copy.entries, copy.header, sectorBytes),
    problems,
  };
}

async function sectorSize(blocks: Blocks, context: Context): Promise<number> {
  for (const sectorBytes of SECTOR_SIZES) {
    const mark = await peek(blocks, sectorBytes, SIGNATURE.length, context);
    if (mark?.toString("latin1") === SIGNATURE) return sectorBytes;
  }
  return SECTOR_SIZES[0];
}

/** Said of a copy that lies where this source does not let us look; that is no fault of the disk. */
const UNREAD = "was not looked at";

async function readCopy(
  blocks: Blocks,
  sector: number,
  sectorBytes: number,
  context: Context,
): Promise<Copy> {
  const at = sector * sectorBytes;
  if (at >= blocks.sizeBytes) return { fault: `lies in sector ${sector}, beyond the end of the disk` };
  const block = await peek(blocks, at, sectorBytes, context);
  if (block === undefined) return { fault: UNREAD };
  const header = parseHeader(block);
  if (typeof header === "string") return { fault: header };
  if (header.ownSector !== sector)
    return { fault: `says that it is in sector ${header.ownSector}, not ${sector}` };
  const entriesBytes = header.entryCount * header.entryBytes;
  const entries = await peek(blocks, header.entriesSector * sectorBytes, entriesBytes, context);
  if (entries === undefined || entries.byteLength < entriesBytes)
    return { fault: "has its entries beyond the end of the disk" };
  if (crc32(entries) !== header.entriesCrc) return { fault: "has entries that do not fit their checksum" };
  return { header, entries };
}

/** A header whose own checksum and bounds hold, or what is wrong with it. */
function parseHeader(block: Buffer): Header | string {
  if (block.byteLength < HEADER_BYTES || block.toString("latin1", 0, 8) !== SIGNATURE) return "is missing";
  const headerBytes = block.readUInt32LE(12);
  if (headerBytes < HEADER_BYTES || headerBytes > block.byteLength)
    return `states a header of ${headerBytes} bytes`;
  const unsigned = Buffer.from(block.subarray(0, headerBytes));
  unsigned.writeUInt32LE(0, 16);
  if (crc32(unsigned) !== block.readUInt32LE(16)) return "does not fit its checksum";
  const header = {
    ownSector: Number(block.readBigUInt64LE(24)),
    otherSector: Number(block.readBigUInt64LE(32)),
    diskGuid: guidText(block.subarray(56, 72)),
    entriesSector: Number(block.readBigUInt64LE(72)),
    entryCount: block.readUInt32LE(80),
    entryBytes: block.readUInt32LE(84),
    entriesCrc: block.readUInt32LE(88),
  };
  if (header.entryBytes < 128 || header.entryCount * header.entryBytes > MAX_ENTRIES_BYTES) {
    return `states ${header.entryCount} entries of ${header.entryBytes} bytes`;
  }
  return header;
}

function partitionsOf(
  entries: Buffer,
  { entryCount, entryBytes }: Header,
  sectorBytes: number,
): readonly Partition[] {
  const partitions: Partition[] = [];
  for (let index = 0; index < entryCount; index++) {
    const entry = entries.subarray(index * entryBytes, (index + 1) * entryBytes);
    if (entry.subarray(0, 16).every((byte) => byte === 0)) continue; // unused
    const typeId = guidText(entry.subarray(0, 16));
    const firstSector = Number(entry.readBigUInt64LE(32));
    const lastSector = Number(entry.readBigUInt64LE(40));
    const label = entry.toString("utf16le", 56, 128).replace(/\0.*$/s, "");
    partitions.push({
      number: index + 1,
      offsetBytes: firstSector * sectorBytes,
      sizeBytes: Math.max(0, lastSector - firstSector + 1) * sectorBytes,
      type: gptTypeName(typeId),
      typeId,
      ...(label === "" ? {} : { label }),
      uuid: guidText(entry.subarray(16, 32)),
      bootable: (entry.readBigUInt64LE(48) & 4n) !== 0n,
    });
  }
  return partitions;
}
