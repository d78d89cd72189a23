import type { Blocks, Context } from "../../pipeline/contract.ts";
import { readGpt } from "./gpt.ts";
import { readMbr } from "./mbr.ts";
import { layoutProblems } from "./partition-layout.ts";
import type { PartitionTable } from "./partition.ts";

export type { Partition, PartitionTable } from "./partition.ts";

/**
 * Reads the partition table of a disk: GPT with 512-byte or 4096-byte sectors, from its backup where the first copy is
 * damaged; MBR with logical partitions. Resolves to undefined for a disk without one, such as a bare file system.
 * A damaged table is reported in `problems`, never thrown. Reads a few small blocks, at most 2 MiB in all.
 */
export async function readPartitionTable(
  blocks: Blocks,
  context: Context,
): Promise<PartitionTable | undefined> {
  const table = (await readGpt(blocks, context)) ?? (await readMbr(blocks, context));
  if (table === undefined) return undefined;
  return { ...table, problems: [...table.problems, ...layoutProblems(table.partitions, blocks.sizeBytes)] };
}
