import type { Partition } from "./partition.ts";

/** What contradicts itself in where partitions lie: backwards, beyond the disk, or one over another. */
export function layoutProblems(partitions: readonly Partition[], diskBytes: number): readonly string[] {
  const problems: string[] = [];
  const sorted = partitions.toSorted((one, other) => one.offsetBytes - other.offsetBytes);
  let furthest: Partition | undefined;
  for (const partition of sorted) {
    const end = endOf(partition);
    if (partition.sizeBytes === 0) problems.push(`Partition ${partition.number} ends before it starts`);
    if (end > diskBytes) {
      problems.push(
        `Partition ${partition.number} ends at byte ${end}, beyond the end of the disk at byte ${diskBytes}`,
      );
    }
    if (furthest !== undefined && partition.offsetBytes < endOf(furthest)) {
      problems.push(`Partitions ${furthest.number} and ${partition.number} overlap`);
    }
    if (furthest === undefined || end > endOf(furthest)) furthest = partition;
  }
  return problems;
}

function endOf({ offsetBytes, sizeBytes }: Partition): number {
  return offsetBytes + sizeBytes;
}
