import test from "ava";
import { masterBootRecord } from "../../../fixtures/file-system-image.ts";
import { MIB, tableOf } from "../../support/partitioned.ts";

test("readPartitionTable() says which partitions overlap, are empty or leave the disk", async (t) => {
  const disk = Buffer.alloc(8 * MIB);
  disk.set(masterBootRecord(16 * MIB));
  disk.copy(disk, 462, 446, 462);
  disk.writeUInt8(0, 462);
  disk.writeUInt32LE(4096, 462 + 8);
  const table = await tableOf(disk);
  t.deepEqual(table?.problems, [
    "Partition 1 ends at byte 16777216, beyond the end of the disk at byte 8388608",
    "Partition 2 ends at byte 17825792, beyond the end of the disk at byte 8388608",
    "Partitions 1 and 2 overlap",
  ]);
});
