import { writeFile } from "node:fs/promises";
import test from "ava";
import { digest } from "../../../cli/commands/digest.ts";
import { COMMANDS } from "../../../cli/commands/index.ts";
import { runCli } from "../../../cli/program.ts";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { parsedOptions, testCli } from "../../support/cli.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { requires } from "../../support/requires.ts";

test("digest takes one source", async (t) => {
  t.like(await parsedOptions(digest, ["a.vhd", "--from", "vpc"]), {
    location: { kind: "file", path: "a.vhd" },
    source: { from: "vhd" },
  });
  t.is(await runCli(["digest"], testCli(), COMMANDS), 2);
  t.is(await runCli(["digest", "a", "b"], testCli(), COMMANDS), 2);
});

requires("qemu-img", "qemu-nbd")(
  "digest is the same for a file, a pipe and another format, and not for another disk",
  async (t) => {
    await using folder = await temporaryFolder();
    const disk = seededDisk("digest", { sizeBytes: 9 * 1024 * 1024 });
    await writeFile(folder.file("disk.raw"), disk);
    t.is(await runCli(["convert", folder.file("disk.raw"), folder.file("disk.vdi")], testCli(), COMMANDS), 0);
    const found = async (source: string, inputBytes = disk) => {
      const cli = testCli({ inputBytes });
      t.is(await runCli(["digest", source, "--json"], cli, COMMANDS), 0, cli.stderr());
      const { algorithm, digest, virtualSizeBytes } = JSON.parse(cli.stdout());
      t.deepEqual([algorithm, virtualSizeBytes], ["sha256-tree-4mib", disk.byteLength]);
      return digest;
    };
    const first = await found(folder.file("disk.raw"));
    t.is(await found("-"), first);
    t.is(await found(folder.file("disk.vdi")), first);
    const other = Buffer.from(disk);
    other[8_000_000] = ~other[8_000_000]! & 0xff;
    t.not(await found("-", other), first);
    const cli = testCli();
    await runCli(["digest", folder.file("disk.raw")], cli, COMMANDS);
    t.is(cli.stdout(), `sha256-tree-4mib:${first}  ${folder.file("disk.raw")}\n`);
  },
);
