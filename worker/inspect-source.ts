import { decodedDisk } from "../converters/decoded-disk.ts";
import type { Blocks, Context } from "../pipeline/contract.ts";
import { defined } from "../pipeline/defined.ts";
import type { DiskFormat } from "../pipeline/disk-format.ts";
import { formatBytes } from "../pipeline/units.ts";
import { qemuImg } from "../programs/qemu-img.ts";
import type { ImageInfo } from "../programs/qemu-reports.ts";
import { type FileSystem, identifyFileSystem } from "../validators/disk/file-system.ts";
import {
  type Partition,
  type PartitionTable,
  readPartitionTable,
} from "../validators/disk/partition-table.ts";
import { firstBytes, through } from "./head.ts";
import { prefixBlocks, seekingBlocks } from "./peek-blocks.ts";
import type { ResolvedSource } from "./resolve-source.ts";
import { isOpenable } from "./spool.ts";

/** Unwrapped at most to look at partitions and file systems behind layers: beyond the first partition of any layout. */
const PREFIX_BYTES = 16 * 1024 * 1024;

/** A partition, or the whole disk where there is no table, and what its first blocks say. */
export interface InspectedVolume extends Partition {
  /** Absent when nothing was recognised, or could not be looked at: see `note`. */
  readonly fileSystem?: FileSystem;
  readonly note?: string;
}

export interface Inspection {
  readonly name: string;
  readonly layers: readonly string[];
  readonly format: DiskFormat;
  /** Of the outermost bytes. */
  readonly sizeBytes?: number;
  /** Of the disk image without its layers. */
  readonly imageBytes?: number;
  /** Guest-visible. */
  readonly virtualSizeBytes?: number;
  /** What qemu-img says of the image, where it can open it. */
  readonly image?: ImageInfo;
  readonly partitionTable?: PartitionTable["kind"];
  /** What is wrong with the partition table, in words. */
  readonly problems: readonly string[];
  readonly volumes: readonly InspectedVolume[];
  /** Why partitions were not looked at, where they were not. */
  readonly note?: string;
}

/** Says what a source holds, as far as that can be read cheaply: headers, partition table, first blocks of the volumes. */
export async function inspectSource(source: ResolvedSource, context: Context): Promise<Inspection> {
  const { name, layers, format, sizeBytes, imageBytes, virtualSizeBytes } = source;
  const found = { name, layers, format, ...defined({ sizeBytes, imageBytes, virtualSizeBytes }) };
  const path = isOpenable(source) ? source.facts.localPath : undefined;
  const image = path === undefined ? undefined : await qemuImg.info({ path, format }, context);
  const look = await openForLooking(source, context);
  if (typeof look === "string")
    return { ...found, ...defined({ image }), problems: [], volumes: [], note: look };
  await using blocks = look.blocks;
  const table = await readPartitionTable(blocks, context);
  const volumes: InspectedVolume[] = [];
  for (const partition of table?.partitions ?? [wholeDisk(look.diskBytes ?? look.reachBytes)]) {
    volumes.push({ ...partition, ...(await lookAt(partition, look, context)) });
  }
  return {
    ...found,
    ...defined({ virtualSizeBytes: look.diskBytes, image, partitionTable: table?.kind }),
    // Where a table leads out of a disk of unknown size cannot be told.
    problems: look.diskBytes === undefined ? [] : (table?.problems ?? []),
    volumes,
  };
}

/** A disk for a few small reads. */
interface Look {
  readonly blocks: Blocks;
  /** How far in can be read. */
  readonly reachBytes: number;
  /** Guest-visible size, where it is known without unwrapping everything. */
  readonly diskBytes?: number;
}

/** The disk, or why it cannot be had cheaply. */
async function openForLooking(source: ResolvedSource, context: Context): Promise<Look | string> {
  const { name, format, facts, stages } = source;
  if (isOpenable(source) && facts.localPath !== undefined) {
    return whole(await decodedDisk({ path: facts.localPath, format }, context));
  }
  if (format !== "raw") {
    return `partitions of a ${format} image can be looked at once it is a local file: fetch or convert it first`;
  }
  if (stages.length === 0 && facts.seekable && facts.sizeBytes !== undefined) {
    return whole(seekingBlocks(source.source, facts.sizeBytes));
  }
  const prefix = await firstBytes(through(source.source.bytes(context), stages, context), PREFIX_BYTES);
  if (prefix.byteLength < PREFIX_BYTES) return whole(prefixBlocks(name, prefix, prefix.byteLength));
  const diskBytes = source.virtualSizeBytes;
  const blocks = prefixBlocks(name, prefix, diskBytes ?? Number.MAX_SAFE_INTEGER);
  return { blocks, reachBytes: PREFIX_BYTES, ...defined({ diskBytes }) };
}

function whole(blocks: Blocks): Look {
  return { blocks, reachBytes: blocks.sizeBytes, diskBytes: blocks.sizeBytes };
}

async function lookAt(
  { offsetBytes, sizeBytes }: Partition,
  { blocks, reachBytes }: Look,
  context: Context,
): Promise<Pick<InspectedVolume, "fileSystem" | "note">> {
  if (offsetBytes >= reachBytes) {
    if (sizeBytes === 0) return { note: "empty" };
    return { note: `not looked at: only the first ${formatBytes(reachBytes)} were unwrapped` };
  }
  return defined({ fileSystem: await identifyFileSystem(blocks, offsetBytes, sizeBytes, context) });
}

function wholeDisk(sizeBytes: number): Partition {
  return { number: 0, offsetBytes: 0, sizeBytes, type: "whole disk" };
}
