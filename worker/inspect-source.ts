import { decodedDisk } from "../converters/decoded-disk.ts";
import type { Blocks, Context } from "../pipeline/contract.ts";
import { defined } from "../pipeline/defined.ts";
import type { DiskFormat } from "../pipeline/disk-format.ts";
import { ImportError } from "../pipeline/errors.ts";
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
  const disk = await openForLooking(source, context);
  if (typeof disk === "string")
    return { ...found, ...defined({ image }), problems: [], volumes: [], note: disk };
  await using blocks = disk;
  const table = await readPartitionTable(blocks, context);
  const volumes: InspectedVolume[] = [];
  for (const partition of table?.partitions ?? [wholeDisk(blocks)]) {
    volumes.push({ ...partition, ...(await lookAt(blocks, partition, context)) });
  }
  return {
    ...found,
    virtualSizeBytes: image?.virtualSizeBytes ?? virtualSizeBytes ?? blocks.sizeBytes,
    ...defined({ image, partitionTable: table?.kind }),
    problems: table?.problems ?? [],
    volumes,
  };
}

/** The disk for a few small reads, or why it cannot be had cheaply. */
async function openForLooking(source: ResolvedSource, context: Context): Promise<Blocks | string> {
  const { format, facts, stages } = source;
  if (isOpenable(source) && facts.localPath !== undefined) {
    return await decodedDisk({ path: facts.localPath, format }, context);
  }
  if (format !== "raw") {
    return `partitions of a ${format} image can be looked at once it is a local file: fetch or convert it first`;
  }
  if (stages.length === 0 && facts.seekable && facts.sizeBytes !== undefined) {
    return seekingBlocks(source.source, facts.sizeBytes);
  }
  const prefix = await firstBytes(through(source.source.bytes(context), stages, context), PREFIX_BYTES);
  return prefixBlocks(source.name, prefix, source.virtualSizeBytes ?? Math.max(prefix.byteLength, 0));
}

async function lookAt(
  blocks: Blocks,
  { offsetBytes, sizeBytes }: Partition,
  context: Context,
): Promise<Pick<InspectedVolume, "fileSystem" | "note">> {
  try {
    return defined({ fileSystem: await identifyFileSystem(blocks, offsetBytes, sizeBytes, context) });
  } catch (error) {
    if (!(error instanceof ImportError && error.code === "SOURCE_UNSUITABLE")) throw error;
    return { note: error.message };
  }
}

function wholeDisk(blocks: Blocks): Partition {
  return { number: 0, offsetBytes: 0, sizeBytes: blocks.sizeBytes, type: "whole disk" };
}
