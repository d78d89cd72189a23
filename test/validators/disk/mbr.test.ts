import { execFile } from "node:child_process";
import { readFile, truncate, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { findProgram } from "../../support/find-program.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { EXTENDED_SCRIPT, MIB, partitioned, tableOf } from "../../support/partitioned.ts";
import { requires } from "../../support/requires.ts";

const SECTOR = 512;

const withSfdisk = requires("sfdisk");

withSfdisk("readPartitionTable() reads an MBR with its signature, types and active mark", async (t) => {
  const table = await tableOf(
    await partitioned(
      "label: dos\nlabel-id: 0x0badcafe\nstart=2048, size=4096, type=7, bootable\nstart=8192, size=1024, type=82\n",
    ),
  );
  t.deepEqual(table, {
    kind: "mbr",
    id: "0badcafe",
    sectorBytes: SECTOR,
    partitions: [
      {
        number: 1,
        offsetBytes: MIB,
        sizeBytes: 2 * MIB,
        type: "NTFS, exFAT or HPFS",
        typeId: "0x07",
        uuid: "0badcafe-01",
        bootable: true,
      },
      {
        number: 2,
        offsetBytes: 4 * MIB,
        sizeBytes: MIB / 2,
        type: "Linux swap",
        typeId: "0x82",
        uuid: "0badcafe-02",
        bootable: false,
      },
    ],
    problems: [],
  });
});

withSfdisk("readPartitionTable() counts logical partitions from 5 on", async (t) => {
  const table = await tableOf(
    await partitioned(
      "label: dos\nsize=2048, type=83\ntype=5\nsize=2048, type=83\nsize=4096, type=8e\nsize=1024, type=82\n",
    ),
  );
  t.deepEqual(
    table?.partitions.map(({ number, sizeBytes, type }) => [number, sizeBytes, type]),
    [
      [1, MIB, "Linux"],
      [5, MIB, "Linux"],
      [6, 2 * MIB, "Linux LVM"],
      [7, MIB / 2, "Linux swap"],
    ],
  );
  t.deepEqual(table?.problems, []);
});

withSfdisk(
  "readPartitionTable() says where the chain of logical partitions goes in circles or leaves the disk",
  async (t) => {
    const disk = await partitioned(EXTENDED_SCRIPT);
    const container = 2048 * SECTOR;
    const circle = Buffer.from(disk);
    circle.writeUInt32LE(0, container + 462 + 8);
    const looped = await tableOf(circle);
    t.is(looped?.partitions.length, 1);
    t.regex(looped?.problems[0] ?? "", /comes back to sector 2048/);
    const away = Buffer.from(disk);
    away.writeUInt32LE(0x7fffffff, container + 462 + 8);
    t.regex((await tableOf(away))?.problems[0] ?? "", /cannot be read/);
    const blank = Buffer.from(disk);
    blank.fill(0, container + 510, container + 512);
    t.regex((await tableOf(blank))?.problems[0] ?? "", /no boot record/);
  },
);

for (const [program, ...args] of [
  ["mkfs.fat", "-F", "16"],
  ["mkfs.ntfs", "-q", "-F", "-f"],
  ["mkfs.exfat"],
  ["mke2fs", "-q", "-F", "-t", "ext4"],
] as const) {
  requires(program)(`readPartitionTable() sees no table in a bare file system of ${program}`, async (t) => {
    await using folder = await temporaryFolder();
    const path = folder.file("volume");
    await writeFile(path, "");
    await truncate(path, 20 * MIB);
    await promisify(execFile)(findProgram(program) ?? program, [...args, path]);
    t.is(await tableOf(await readFile(path)), undefined);
  });
}
