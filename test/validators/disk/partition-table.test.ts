import test from "ava";
import fc from "fast-check";
import { readPartitionTable } from "../../../validators/disk/partition-table.ts";
import { memoryBlocks } from "../../support/blocks.ts";
import { testContext } from "../../support/context.ts";
import { EXTENDED_SCRIPT, GPT_SCRIPT, MIB, partitioned, tableOf } from "../../support/partitioned.ts";
import { requires } from "../../support/requires.ts";

const SECTOR = 512;

const withSfdisk = requires("sfdisk");

test("readPartitionTable() resolves to undefined for nothing, for zeroes and for half a sector", async (t) => {
  for (const sizeBytes of [0, 1, 511, 512, 4096, MIB])
    t.is(await tableOf(Buffer.alloc(sizeBytes)), undefined);
});

withSfdisk(
  "readPartitionTable() throws nothing and reads little, whatever is wrong in the table",
  async (t) => {
    const disk = await partitioned(GPT_SCRIPT);
    const extended = await partitioned(EXTENDED_SCRIPT);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(disk, extended),
        fc.array(fc.tuple(fc.nat(34 * SECTOR - 1), fc.nat(255)), { maxLength: 40 }),
        async (original, changes) => {
          const copy = Buffer.from(original);
          for (const [at, value] of changes) copy.writeUInt8(value, at);
          const blocks = memoryBlocks(copy);
          const table = await readPartitionTable(blocks, testContext());
          const readBytes = blocks.reads.reduce((sum, { length }) => sum + length, 0);
          return readBytes <= 3 * MIB && (table?.partitions.length ?? 0) < 1000;
        },
      ),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 100) },
    );
    t.pass();
  },
);
