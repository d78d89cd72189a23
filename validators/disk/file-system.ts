import type { Blocks, Context } from "../../pipeline/contract.ts";
import { CONTAINER_PROBES } from "./containers.ts";
import type { FileSystem, Probe } from "./probe.ts";
import { UNIX_PROBES } from "./unix-file-systems.ts";
import { WINDOWS_PROBES } from "./windows-file-systems.ts";

export type { FileSystem } from "./probe.ts";

/** Reaches the superblock of Btrfs at 64 KiB, the furthest of all that are known here. */
const HEAD_BYTES = 68 * 1024;

/**
 * In the order of trust: containers first, since what they hold shows through at other places, then long marks, and
 * FAT last, which has hardly one.
 */
const PROBES: readonly Probe[] = [...CONTAINER_PROBES, ...UNIX_PROBES, ...WINDOWS_PROBES];

/**
 * Says by its marks what lies in `[offset, offset + length)` of a disk: a file system, swap, or a container of volumes.
 * Resolves to undefined when nothing known is there. Nothing is trusted further than that: a damaged file system is
 * named all the same. Reads 68 KiB at most. Throws what reading throws, SOURCE_UNSUITABLE included.
 */
export async function identifyFileSystem(
  blocks: Blocks,
  offset: number,
  length: number,
  context: Context,
): Promise<FileSystem | undefined> {
  const availableBytes = Math.min(length, blocks.sizeBytes - offset, HEAD_BYTES);
  if (!(availableBytes > 0) || offset < 0) return undefined;
  // Every probe may look anywhere in the head: what a small volume lacks reads as zero.
  const head = Buffer.alloc(HEAD_BYTES);
  await blocks.read(offset, head.subarray(0, availableBytes), context);
  for (const probe of PROBES) {
    const found = probe(head);
    if (found !== undefined) return found;
  }
  return undefined;
}
