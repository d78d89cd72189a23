import type { Blocks, Context } from "../../pipeline/contract.ts";
import type { Partition, PartitionTable } from "./partition.ts";
import { mbrTypeName } from "./partition-types.ts";
import { peek } from "./peek.ts";

/** MBRs do not say how large their sectors are; images with others use GPT. */
const SECTOR_BYTES = 512;

/** Linux reads no more either: its DISK_MAX_PARTS is 256. */
const MAX_LOGICAL_COUNT = 255;

/** Containers of logical partitions: DOS, Windows 95 (LBA), Linux. */
const EXTENDED_TYPES = new Set([0x05, 0x0f, 0x85]);
const PROTECTIVE_TYPE = 0xee;

interface Entry {
  readonly status: number;
  readonly type: number;
  readonly startSector: number;
  readonly sectorCount: number;
}

/** The four entries of a boot record, or undefined when it bears no signature. */
function entriesOf(sector: Buffer | undefined): readonly Entry[] | undefined {
  if (sector === undefined || sector.byteLength < SECTOR_BYTES || sector.readUInt16LE(510) !== 0xaa55)
    return undefined;
  return [446, 462, 478, 494].map((at) => ({
    status: sector.readUInt8(at),
    type: sector.readUInt8(at + 4),
    startSector: sector.readUInt32LE(at + 8),
    sectorCount: sector.readUInt32LE(at + 12),
  }));
}

/** Whether the first sector protects a GPT from programs that know only MBRs (UEFI 2.10 section 5.2.3). */
export function isProtective(sector: Buffer): boolean {
  return entriesOf(sector)?.some(({ type }) => type === PROTECTIVE_TYPE) ?? false;
}

/**
 * Reads an MBR. A boot sector of FAT, NTFS or exFAT ends in the same two bytes: it is told apart as the Linux kernel does
 * (block/partitions/msdos.c), by status bytes that no table has, and by its jump where there are no entries.
 */
export async function readMbr(blocks: Blocks, context: Context): Promise<PartitionTable | undefined> {
  const sector = await peek(blocks, 0, SECTOR_BYTES, context);
  const entries = entriesOf(sector);
  if (sector === undefined || entries === undefined) return undefined;
  if (entries.some(({ status }) => status !== 0 && status !== 0x80)) return undefined;
  const used = entries.filter(isUsed);
  if (used.length === 0 && isFileSystemBootSector(sector)) return undefined;

  const id = sector.readUInt32LE(440).toString(16).padStart(8, "0");
  const problems: string[] = [];
  const partitions: Partition[] = [];
  for (const [index, entry] of entries.entries()) {
    if (!isUsed(entry) || EXTENDED_TYPES.has(entry.type)) continue;
    partitions.push(partition(entry, index + 1, entry.startSector, id));
  }
  const containers = used.filter(({ type }) => EXTENDED_TYPES.has(type));
  if (containers.length > 1)
    problems.push("There is more than one extended partition; only the first is read");
  const [container] = containers;
  if (container !== undefined) {
    const logical = await readLogical(blocks, container.startSector, id, context);
    partitions.push(...logical.partitions);
    problems.push(...logical.problems);
  }
  return { kind: "mbr", id, sectorBytes: SECTOR_BYTES, partitions, problems };
}

/** Follows the chain of boot records in an extended partition: each holds one partition and the way to the next. */
async function readLogical(
  blocks: Blocks,
  containerSector: number,
  id: string,
  context: Context,
): Promise<Pick<PartitionTable, "partitions" | "problems">> {
  const partitions: Partition[] = [];
  const seen = new Set<number>();
  const broken = (why: string) => ({ partitions, problems: [`The chain of logical partitions ${why}`] });
  for (let at: number | undefined = containerSector; at !== undefined;) {
    if (seen.has(at)) return broken(`comes back to sector ${at}`);
    if (seen.size === MAX_LOGICAL_COUNT) return broken(`has more than ${MAX_LOGICAL_COUNT} links`);
    seen.add(at);
    const sector = await peek(blocks, at * SECTOR_BYTES, SECTOR_BYTES, context);
    if (sector === undefined) return broken(`leads to sector ${at}, which cannot be read`);
    const entries = entriesOf(sector);
    if (entries === undefined) return broken(`leads to sector ${at}, which is no boot record`);
    const here = at;
    at = undefined;
    for (const entry of entries.filter(isUsed)) {
      // Partitions count from their own boot record, links from the start of the container.
      if (EXTENDED_TYPES.has(entry.type)) at ??= containerSector + entry.startSector;
      else partitions.push(partition(entry, 5 + partitions.length, here + entry.startSector, id));
    }
  }
  return { partitions, problems: [] };
}

function isUsed({ type, sectorCount }: Entry): boolean {
  return type !== 0 && sectorCount !== 0;
}

function partition(entry: Entry, number: number, startSector: number, id: string): Partition {
  return {
    number,
    offsetBytes: startSector * SECTOR_BYTES,
    sizeBytes: entry.sectorCount * SECTOR_BYTES,
    type: mbrTypeName(entry.type),
    typeId: `0x${entry.type.toString(16).padStart(2, "0")}`,
    uuid: `${id}-${number.toString(16).padStart(2, "0")}`,
    bootable: entry.status === 0x80,
  };
}

function isFileSystemBootSector(sector: Buffer): boolean {
  const jumps = sector[0] === 0xe9 || (sector[0] === 0xeb && sector[2] === 0x90);
  // Bytes a sector (FAT, NTFS), or the name of exFAT, whose field there is zero.
  return (
    jumps &&
    ([512, 1024, 2048, 4096].includes(sector.readUInt16LE(11)) || sector.toString("latin1", 3, 8) === "EXFAT")
  );
}
