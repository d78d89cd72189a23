import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import test from "ava";
import { convert } from "../../../cli/commands/convert.ts";
import { COMMANDS } from "../../../cli/commands/index.ts";
import { runCli } from "../../../cli/program.ts";
import { testIdentity } from "../../../fixtures/keys.ts";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { type Location, locationName } from "../../../worker/location.ts";
import { parsedOptions, testCli } from "../../support/cli.ts";
import { failure } from "../../support/errors.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { requires } from "../../support/requires.ts";

const MIB = 1024 * 1024;

for (const [args, expected] of [
  [["a.vmdk", "b.qcow2"], { target: { overwrite: false }, isExplained: false }],
  [["a", "b.vhd", "--force"], { target: { overwrite: true } }],
  [["a", "b", "--to", "vpc"], { target: { to: { format: "vhd" } } }],
  [["a", "b.qcow2", "--compress"], { target: { to: { format: "qcow2", compression: "zlib" } } }],
  [["a", "b.qcow2", "--compress", "zstd"], { target: { to: { format: "qcow2", compression: "zstd" } } }],
  [
    ["a", "b.qcow2", "--cluster-size", "2m"],
    { target: { to: { format: "qcow2", clusterSizeBytes: 2 * MIB } } },
  ],
  [["a", "b.vmdk", "--compress"], { target: { to: { format: "vmdk", subformat: "streamOptimized" } } }],
  [["a", "b.vhdx", "--subformat", "fixed"], { target: { to: { format: "vhdx", subformat: "fixed" } } }],
  [["a", "b.raw", "--from", "VHDX", "--member", "x/y.img"], { source: { from: "vhdx", member: "x/y.img" } }],
  [["a", "b.raw", "--explain"], { isExplained: true }],
  [["a", "b.raw", "--dry-run"], { isExplained: true }],
  [
    ["a", "b.raw", "--scratch-dir", "/s", "--scratch-limit", "1g", "--keep-scratch"],
    { settings: { scratch: { parentFolder: "/s", limitBytes: 1024 * MIB, keep: true }, limits: {} } },
  ],
  [
    ["a", "b.raw", "--max-size", "10GiB", "--max-ratio", "100.5"],
    { settings: { scratch: {}, limits: { maxImageBytes: 10 * 1024 * MIB, maxRatio: 100.5 } } },
  ],
] as const) {
  test(`convert ${args.join(" ")}`, async (t) => {
    t.like(await parsedOptions(convert, args), expected);
  });
}

for (const [from, to] of [
  ["-", "-"],
  ["https://user:secret@host/a.img?token=secret", "s3://bucket/b.raw"],
] as const) {
  test(`convert takes locations of every kind: ${to}`, async (t) => {
    const options = await parsedOptions(convert, [from, to]);
    const name = (location: Location) => locationName(location);
    t.is(name(options.to), to);
    t.notRegex(name(options.from), /secret/);
  });
}

for (const [args, message] of [
  [["a", "b.raw", "--compress"], /--compress with raw/],
  [["a", "b.vdi", "--compress"], /--compress with vdi/],
  [["a", "b.vmdk", "--compress", "zstd"], /zstd with vmdk/],
  [["a", "b.vmdk", "--compress", "--subformat", "monolithicSparse"], /monolithicSparse with vmdk/],
  [["a", "b.vmdk", "--subformat", "fixed"], /--subformat fixed with vmdk/],
  [["a", "b.qcow2", "--subformat", "fixed"], /--subformat fixed with qcow2/],
  [["a", "b.raw", "--subformat", "fixed"], /--subformat fixed with raw/],
  [["a", "b.vhd", "--subformat", "streamOptimized"], /--subformat streamOptimized with vhd/],
  [["a", "b.vhd", "--cluster-size", "64k"], /--cluster-size with vhd/],
  [["a", "b.unknown", "--subformat", "fixed"], /which format/],
  [["a", "b.raw", "-I", "key"], /--secret-key/],
  [["a", "ftp://host/b.raw"], /not supported/],
] as const) {
  test(`convert ${args.join(" ")} is refused with ARGUMENT_INVALID and says what to do`, async (t) => {
    const error = await failure(() => parsedOptions(convert, args));
    t.is(error.code, "ARGUMENT_INVALID");
    t.regex(error.message, message);
    t.truthy(error.remedy);
  });
}

for (const flags of [
  ["--from", "cow"],
  ["--max-size", "many"],
  ["--max-ratio", "0.5"],
  ["--cluster-size", "-1"],
  ["--subformat", "sparse"],
]) {
  test(`convert ${flags.join(" ")} is a usage error`, async (t) => {
    const cli = testCli();
    t.is(await runCli(["convert", "a", "b.raw", ...flags], cli, COMMANDS), 2);
    t.regex(cli.stderr(), new RegExp(flags[0]!));
  });
}

test("convert reads a key that only the environment names for a manifest, and for nothing else", async (t) => {
  const { keyPath } = await testIdentity("user");
  const variables = { EC2_PRIVATE_KEY: keyPath };
  t.is(
    (await parsedOptions(convert, ["a.manifest.xml", "b.raw"], variables)).source.privateKey?.name,
    keyPath,
  );
  const broken = { EC2_PRIVATE_KEY: "/nowhere.pem" };
  t.is((await parsedOptions(convert, ["a.vmdk", "b.raw"], broken)).source.privateKey, undefined);
  t.is((await failure(() => parsedOptions(convert, ["a.xml", "b.raw"], broken))).code, "KEY_INVALID");
});

const withQemu = requires("qemu-img", "qemu-nbd");

withQemu(
  "convert writes a verified result with its manifest, which verify and compare confirm",
  async (t) => {
    await using folder = await temporaryFolder();
    const disk = seededDisk("convert", { sizeBytes: 8 * MIB });
    await writeFile(folder.file("disk.raw"), disk);
    const cli = testCli();
    const args = ["convert", folder.file("disk.raw"), folder.file("disk.qcow2"), "--compress"];
    t.is(await runCli(args, cli, COMMANDS), 0, cli.stderr());
    t.regex(cli.stdout(), /^result +.*disk\.qcow2 \(qcow2\)\ndisk +8 MiB \(8388608 bytes\)\n/);
    t.regex(cli.stdout(), /\ndisk digest +sha256-tree-4mib:[0-9a-f]{64}\nchecked +.+\n/);
    t.deepEqual((await readdir(folder.path)).sort(), ["disk.qcow2", "disk.qcow2.diskferry.json", "disk.raw"]);
    for (const more of [
      ["verify", folder.file("disk.qcow2")],
      ["compare", folder.file("disk.qcow2"), folder.file("disk.raw"), "--strict"],
    ]) {
      const next = testCli();
      t.is(await runCli(more, next, COMMANDS), 0, next.stderr());
    }
  },
);

withQemu("convert --json prints receipt and result manifest, --manifest says where that goes", async (t) => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("disk.raw"), seededDisk("json", { sizeBytes: MIB }));
  const cli = testCli();
  const places = [folder.file("disk.raw"), folder.file("disk.vhd"), "--manifest", folder.file("proof.json")];
  t.is(await runCli(["convert", ...places, "--json"], cli, COMMANDS), 0, cli.stderr());
  const document = JSON.parse(cli.stdout());
  t.like(document, {
    receipt: { name: folder.file("disk.vhd") },
    manifestName: folder.file("proof.json"),
    manifest: { schemaVersion: 1, tool: { name: "diskferry", version: "1.2.3" }, result: { format: "vhd" } },
  });
  t.deepEqual(JSON.parse(await readFile(folder.file("proof.json"), "utf8")), document.manifest);
});

test("convert passes a raw disk from standard input to standard output and prints the rest on standard error", async (t) => {
  const disk = seededDisk("pipe", { sizeBytes: 3 * MIB + 512 });
  const cli = testCli({ inputBytes: disk });
  t.is(await runCli(["convert", "-", "-", "--from", "raw"], cli, COMMANDS), 0, cli.stderr());
  t.true(cli.stdoutBytes().equals(disk));
  t.regex(cli.stderr(), /^result +- \(raw\)$/m);
});

test("convert refuses to fill a terminal, but explains what it would do", async (t) => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("disk.raw"), seededDisk("tty", { sizeBytes: MIB }));
  const cli = testCli({ isTerminal: true });
  t.is(await runCli(["convert", folder.file("disk.raw"), "-"], cli, COMMANDS), 2);
  t.is(cli.stdout(), "");
  t.regex(cli.stderr(), /is a terminal/);
  const explained = testCli({ isTerminal: true });
  t.is(await runCli(["convert", folder.file("disk.raw"), "-", "--explain"], explained, COMMANDS), 0);
  t.regex(explained.stdout(), /^route {4}stream: /);
});

withQemu("convert --explain prints the plan and writes nothing", async (t) => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("disk.raw"), seededDisk("plan", { sizeBytes: MIB }));
  const cli = testCli();
  const args = ["convert", folder.file("disk.raw"), folder.file("disk.vdi"), "--explain"];
  t.is(await runCli(args, cli, COMMANDS), 0, cli.stderr());
  t.regex(cli.stdout(), /^route {4}ranged: .*\nscratch {2}none\n\n1 {2}convert +.*raw to vdi/);
  t.deepEqual(await readdir(folder.path), ["disk.raw"]);
});

for (const [what, code, status, args] of [
  ["a source that is not there", "SOURCE_NOT_FOUND", 3, ["none.raw", "new.raw"]],
  ["a destination that exists", "DESTINATION_EXISTS", 4, ["disk.raw", "old.raw"]],
  ["a folder that is not there", "DESTINATION_NOT_FOUND", 4, ["disk.raw", "none/new.raw"]],
  ["a format that it does not have", "FORMAT_MISMATCH", 6, ["disk.raw", "new.raw", "--from", "vmdk"]],
  ["an image over the limit", "SIZE_EXCEEDED", 6, ["disk.raw", "new.raw", "--max-size", "1023k"]],
  ["a name without format", "ARGUMENT_INVALID", 2, ["disk.raw", "new"]],
] as const) {
  withQemu(`convert ends with ${status} for ${what}, and leaves nothing`, async (t) => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file("disk.raw"), seededDisk("bad", { sizeBytes: MIB }));
    await copyFile(folder.file("disk.raw"), folder.file("old.raw"));
    const cli = testCli();
    const [from, to, ...flags] = args;
    t.is(
      await runCli(["convert", folder.file(from), folder.file(to), ...flags, "--json"], cli, COMMANDS),
      status,
    );
    t.like(JSON.parse(cli.stdout()).error, { code, exitStatus: status });
    t.deepEqual((await readdir(folder.path)).sort(), ["disk.raw", "old.raw"]);
  });
}

requires("openssl")(
  "convert makes a bundle of a destination with the name of a manifest, which verify confirms",
  async (t) => {
    await using folder = await temporaryFolder();
    const { keyPath, certificatePath } = await testIdentity("user");
    const disk = seededDisk("to bundle", { sizeBytes: 2 * MIB });
    await writeFile(folder.file("disk.raw"), disk);
    const cli = testCli();
    const manifest = folder.file("web.manifest.xml");
    const flags = ["--cert", certificatePath, "--user", "1234", "--sign-with", keyPath];
    t.is(
      await runCli(["convert", folder.file("disk.raw"), manifest, ...flags], cli, COMMANDS),
      0,
      cli.stderr(),
    );
    const files = ["disk.raw", "web.manifest.xml", "web.manifest.xml.diskferry.json", "web.part.00"];
    t.deepEqual((await readdir(folder.path)).filter((name) => !name.endsWith(".sig")).sort(), files);
    const check = testCli();
    t.is(await runCli(["verify", manifest, "--key", keyPath], check, COMMANDS), 0, check.stderr());
    const back = testCli();
    const signed = ["--key", keyPath, "--verify-signature", certificatePath];
    t.is(
      await runCli(["convert", manifest, folder.file("back.raw"), ...signed], back, COMMANDS),
      0,
      back.stderr(),
    );
    t.true((await readFile(folder.file("back.raw"))).equals(disk));
  },
);

requires("openssl")(
  "convert --cert is refused where the destination is no bundle, and wanted where it is one",
  async (t) => {
    const { certificatePath } = await testIdentity("user");
    const refused = await failure(() =>
      parsedOptions(convert, ["a.raw", "b.raw", "--cert", certificatePath]),
    );
    t.is(refused.code, "ARGUMENT_INVALID");
    t.regex(refused.remedy!, /manifest\.xml/);
    const wanted = await failure(() => parsedOptions(convert, ["a.raw", "b.manifest.xml", "--user", "1"]));
    t.is(wanted.code, "ARGUMENT_INVALID");
    t.regex(wanted.remedy!, /--cert/);
  },
);
