import { crc32 } from "node:zlib";
import { masterBootRecord } from "../../../fixtures/file-system-image.ts";
import { ImportError } from "../../../pipeline/errors.ts";
import { readPartitionTable } from "../../../validators/disk/partition-table.ts";
import { memoryBlocks } from "../../support/blocks.ts";
import { testContext } from "../../support/context.ts";
import { GPT_SCRIPT, MIB, partitioned, tableOf } from "../../support/partitioned.ts";
import { requires } from "../../support/requires.ts";

const SECTOR = 512;

const withSfdisk = requires("sfdisk");

withSfdisk("readPartitionTable() reads a GPT with names, GUIDs and attributes", async (t) => {
  t.deepEqual(await tableOf(await partitioned(GPT_SCRIPT)), {
    kind: "gpt",
    id: "3e6be9de-8139-4a1c-9b6b-6469736b6665",
    sectorBytes: SECTOR,
    partitions: [
      {
        number: 1,
        offsetBytes: MIB,
        sizeBytes: MIB,
        type: "EFI system",
        typeId: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
        label: "ESP",
        uuid: "11111111-2222-3333-4444-555555555555",
        bootable: false,
      },
      {
        number: 2,
        offsetBytes: 2 * MIB,
        sizeBytes: 4 * MIB,
        type: "Linux filesystem",
        typeId: "0fc63daf-8483-4772-8e79-3d69d8477de4",
        label: "Wurzel ä",
        uuid: "66666666-7777-8888-9999-aaaaaaaaaaaa",
        bootable: true,
      },
    ],
    problems: [],
  });
});

withSfdisk(
  "readPartitionTable() goes by the backup when the first GPT is damaged, and says so",
  async (t) => {
    const disk = await partitioned(GPT_SCRIPT);
    const whole = await tableOf(disk);
    const spoils: readonly (readonly [spoil: (disk: Buffer) => void, problem: RegExp])[] = [
      [(copy) => copy.fill(0, SECTOR, 2 * SECTOR), /^The GPT is missing$/],
      [(copy) => copy.writeUInt8(1, SECTOR + 60), /^The GPT does not fit its checksum$/],
      [(copy) => copy.writeUInt8(1, 2 * SECTOR + 200), /^The GPT has entries that do not fit/],
    ];
    for (const [spoil, problem] of spoils) {
      const copy = Buffer.from(disk);
      spoil(copy);
      const table = await tableOf(copy);
      t.deepEqual(table?.partitions, whole?.partitions);
      t.is(table?.problems.length, 1);
      t.regex(table?.problems[0] ?? "", problem);
    }
  },
);

withSfdisk(
  "readPartitionTable() says when the backup GPT is damaged, gone or left behind by a resize",
  async (t) => {
    const disk = await partitioned(GPT_SCRIPT);
    const damaged = Buffer.from(disk);
    damaged.fill(0, disk.byteLength - SECTOR);
    t.deepEqual((await tableOf(damaged))?.problems, ["The backup GPT is missing"]);
    const cut = await tableOf(disk.subarray(0, 12 * MIB));
    t.regex(cut?.problems[0] ?? "", /^The backup GPT lies in sector 32767, beyond the end/);
    const grown = await tableOf(Buffer.concat([disk, Buffer.alloc(MIB)]));
    t.regex(grown?.problems[0] ?? "", /not in the last sector 34815: the disk was resized/);
    t.is(grown?.partitions.length, 2);
  },
);

withSfdisk(
  "readPartitionTable() reads a GPT whose protective MBR alone is left as empty, with both problems",
  async (t) => {
    const disk = await partitioned(GPT_SCRIPT);
    disk.fill(0, SECTOR, 34 * SECTOR);
    disk.fill(0, disk.byteLength - 33 * SECTOR);
    const table = await tableOf(disk);
    t.is(table?.kind, "gpt");
    t.deepEqual(table?.partitions, []);
    t.is(table?.problems.length, 2);
  },
);

withSfdisk("readPartitionTable() takes a GPT without protective MBR for the remnant it is", async (t) => {
  const disk = await partitioned(GPT_SCRIPT);
  disk.fill(0, 0, SECTOR);
  t.is(await tableOf(disk), undefined);
  disk.set(masterBootRecord(disk.byteLength), 0);
  t.is((await tableOf(disk))?.kind, "mbr");
});

/** The same table as sfdisk made, laid out for sectors of 4096 bytes (sfdisk makes those on devices only). */
function withLargeSectors(disk: Buffer): Buffer {
  const large = Buffer.alloc(disk.byteLength);
  disk.copy(large, 0, 0, SECTOR);
  const entries = disk.subarray(2 * SECTOR, 34 * SECTOR);
  const lastSector = disk.byteLength / 4096 - 1;
  const copies = [
    { own: 1, other: lastSector, entriesAt: 2 },
    { own: lastSector, other: 1, entriesAt: lastSector - 4 },
  ];
  for (const { own, other, entriesAt } of copies) {
    const header = Buffer.from(disk.subarray(SECTOR, SECTOR + 92));
    header.writeBigUInt64LE(BigInt(own), 24);
    header.writeBigUInt64LE(BigInt(other), 32);
    header.writeBigUInt64LE(BigInt(entriesAt), 72);
    header.writeUInt32LE(0, 16);
    header.writeUInt32LE(crc32(header), 16);
    large.set(header, own * 4096);
    large.set(entries, entriesAt * 4096);
  }
  return large;
}

withSfdisk("readPartitionTable() reads a GPT with sectors of 4096 bytes", async (t) => {
  const table = await tableOf(withLargeSectors(await partitioned(GPT_SCRIPT, 64 * MIB)));
  t.is(table?.sectorBytes, 4096);
  t.deepEqual(
    table?.partitions.map(({ offsetBytes, sizeBytes }) => [offsetBytes, sizeBytes]),
    [
      [8 * MIB, 8 * MIB],
      [16 * MIB, 32 * MIB],
    ],
  );
  t.deepEqual(table?.problems, []);
});

withSfdisk(
  "readPartitionTable() does without the backup GPT where only the beginning can be read",
  async (t) => {
    const disk = await partitioned(GPT_SCRIPT);
    const blocks = memoryBlocks(disk);
    const beginning = {
      ...blocks,
      read: async (offset: number, into: Uint8Array, context: Parameters<typeof blocks.read>[2]) => {
        if (offset + into.byteLength > MIB) throw new ImportError("SOURCE_UNSUITABLE", "Cannot look so far");
        await blocks.read(offset, into, context);
      },
    };
    const table = await readPartitionTable(beginning, testContext());
    t.is(table?.partitions.length, 2);
    t.deepEqual(table?.problems, []);
  },
);
