import { writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import test from "ava";
import { COMMANDS } from "../../../cli/commands/index.ts";
import { inspect, inspectionText } from "../../../cli/commands/inspect.ts";
import { runCli } from "../../../cli/program.ts";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { parsedOptions, testCli } from "../../support/cli.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { requiresShared, sharedFile } from "../../support/shared.ts";

for (const [args, expected] of [
  [["disk.vmdk"], { location: { kind: "file", path: "disk.vmdk" }, source: {} }],
  [["-", "--from", "raw"], { location: { kind: "pipe" }, source: { from: "raw" } }],
  [["x.ova", "--member", "a.vmdk"], { source: { member: "a.vmdk" } }],
] as const) {
  test(`inspect ${args.join(" ")}`, async (t) => {
    t.like(await parsedOptions(inspect, args), expected);
  });
}

test("inspectionText() shows what was found, in bytes as well, and problems last", (t) => {
  const text = inspectionText({
    name: "disk.vmdk",
    layers: ["gzip", "tar"],
    format: "vmdk",
    sizeBytes: 1000,
    imageBytes: 5000,
    virtualSizeBytes: 1024 ** 3,
    image: {
      virtualSizeBytes: 1024 ** 3,
      allocatedBytes: 1,
      createType: "streamOptimized",
      isEncrypted: false,
      isDirty: true,
      isCorrupt: true,
    },
    partitionTable: "mbr",
    problems: ["partitions 1 and 2 overlap"],
    volumes: [
      {
        number: 1,
        offsetBytes: 1_048_576,
        sizeBytes: 1024 ** 2,
        type: "Linux",
        fileSystem: { type: "ext4", label: "root", uuid: "1-2" },
      },
      { number: 2, offsetBytes: 2_097_152, sizeBytes: 1024, type: "Linux", note: "behind what was read" },
      { number: 3, offsetBytes: 2_098_176, sizeBytes: 1024, type: "Linux" },
    ],
  });
  t.deepEqual(text.split("\n"), [
    "source      disk.vmdk",
    "layers      gzip > tar",
    "format      vmdk (streamOptimized)",
    "stored      1000 bytes",
    "image       4.88 KiB (5000 bytes)",
    "disk        1 GiB (1073741824 bytes)",
    "state       not closed properly, marked as corrupt",
    "partitions  mbr",
    "",
    "#  start    size   type   content",
    "1  1048576  1 MiB  Linux  ext4 root 1-2",
    "2  2097152  1 KiB  Linux  behind what was read",
    "3  2098176  1 KiB  Linux  not recognised",
    "problem: partitions 1 and 2 overlap",
  ]);
});

test("inspect sees through compression, and tells programs the same", async (t) => {
  await using folder = await temporaryFolder();
  const disk = seededDisk("inspect", { sizeBytes: 1024 * 1024 });
  await writeFile(folder.file("disk.raw.gz"), gzipSync(disk));
  const cli = testCli();
  t.is(await runCli(["inspect", folder.file("disk.raw.gz"), "--json"], cli, COMMANDS), 0, cli.stderr());
  t.like(JSON.parse(cli.stdout()), { layers: ["gzip"], format: "raw", volumes: [{ number: 0 }] });
});

requiresShared("images/dfvfs-ext2.qcow2")("inspect names the file system of a real image", async (t) => {
  const cli = testCli();
  t.is(await runCli(["inspect", sharedFile("images/dfvfs-ext2.qcow2")], cli, COMMANDS), 0, cli.stderr());
  t.regex(cli.stdout(), /^format +qcow2$/m);
  t.regex(cli.stdout(), /ext2 ext2_test/);
});
