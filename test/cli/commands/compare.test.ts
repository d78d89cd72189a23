import { writeFile } from "node:fs/promises";
import test from "ava";
import { compare, comparisonText } from "../../../cli/commands/compare.ts";
import { COMMANDS } from "../../../cli/commands/index.ts";
import { runCli } from "../../../cli/program.ts";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { parsedOptions, testCli } from "../../support/cli.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { requires } from "../../support/requires.ts";

const MIB = 1024 * 1024;

test("compare takes two sources", async (t) => {
  t.like(await parsedOptions(compare, ["a", "s3://b/c", "--strict"]), {
    first: { kind: "file", path: "a" },
    second: { kind: "s3", bucket: "b", key: "c" },
    isStrict: true,
  });
});

for (const [comparison, text] of [
  [{ verdict: "identical", firstBytes: 7, secondBytes: 7 }, "The disks are identical: 7 bytes"],
  [
    { verdict: "different", firstDifferenceByte: 5, firstBytes: 7, secondBytes: 7 },
    "The disks differ at byte 5",
  ],
  [
    { verdict: "zero-tail", firstBytes: 7, secondBytes: 9 },
    'The disks are the same but for 2 zero bytes at the end of "b"',
  ],
  [
    { verdict: "zero-tail", firstBytes: 9, secondBytes: 6 },
    'The disks are the same but for 3 zero bytes at the end of "a"',
  ],
] as const) {
  test(`comparisonText() says: ${text}`, (t) => {
    t.is(comparisonText(comparison, "a", "b"), text);
  });
}

requires("qemu-img", "qemu-nbd")(
  "compare ends with 0 for the same, 1 for others, and counts a zero tail as --strict says",
  async (t) => {
    await using folder = await temporaryFolder();
    const disk = seededDisk("compare", { sizeBytes: 2 * MIB });
    const other = Buffer.from(disk);
    other[MIB] = ~other[MIB]! & 0xff;
    await writeFile(folder.file("a"), disk);
    await writeFile(folder.file("longer"), Buffer.concat([disk, Buffer.alloc(4096)]));
    await writeFile(folder.file("other"), other);
    for (const [name, flags, status, verdict] of [
      ["a", [], 0, "identical"],
      ["longer", [], 0, "zero-tail"],
      ["longer", ["--strict"], 1, "zero-tail"],
      ["other", [], 1, "different"],
    ] as const) {
      const cli = testCli();
      const args = ["compare", folder.file("a"), folder.file(name), "--json", ...flags];
      t.is(await runCli(args, cli, COMMANDS), status, cli.stderr());
      t.like(JSON.parse(cli.stdout()), { verdict, same: status === 0 });
    }
  },
);
