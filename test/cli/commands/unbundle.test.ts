import { appendFile, mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { COMMANDS } from "../../../cli/commands/index.ts";
import { unbundle } from "../../../cli/commands/unbundle.ts";
import { runCli } from "../../../cli/program.ts";
import { testIdentity } from "../../../fixtures/keys.ts";
import { parsedOptions, testCli } from "../../support/cli.ts";
import { failure } from "../../support/errors.ts";
import { BUNDLE_PROGRAMS, opensslBundle, type TestBundle } from "../../support/openssl-bundle.ts";
import { requires } from "../../support/requires.ts";

const test = requires(...BUNDLE_PROGRAMS);

for (const [flags, expected] of [
  [[], { source: ".", destination: ".", overwrite: false }],
  [["-s", "parts", "-d", "out", "-f"], { source: "parts", destination: "out", overwrite: true }],
  [["--source", "parts", "--destination", "-"], { source: "parts", destination: "-" }],
] as const) {
  test(`unbundle -m M -k K ${flags.join(" ")}`, async (t) => {
    const { keyPath } = await testIdentity("user");
    const options = await parsedOptions(unbundle, ["-m", "M", "-k", keyPath, ...flags]);
    t.like(options, { manifest: "M", ...expected });
    t.is(options.key.name, keyPath);
  });
}

for (const variable of ["EC2_PRIVATE_KEY", "EUCA_PRIVATE_KEY"]) {
  test(`unbundle takes the key from ${variable}, and from -k before that`, async (t) => {
    const [user, other] = await Promise.all([testIdentity("user"), testIdentity("other")]);
    const variables = { [variable]: other.keyPath };
    t.is((await parsedOptions(unbundle, ["-m", "M"], variables)).key.name, other.keyPath);
    t.is((await parsedOptions(unbundle, ["-m", "M", "-k", user.keyPath], variables)).key.name, user.keyPath);
  });
}

test("unbundle without a key is refused with ARGUMENT_INVALID, and one that is no key with KEY_INVALID", async (t) => {
  t.is((await failure(() => parsedOptions(unbundle, ["-m", "M"]))).code, "ARGUMENT_INVALID");
  t.is((await failure(() => parsedOptions(unbundle, ["-m", "M", "-k", "/etc/passwd"]))).code, "KEY_INVALID");
  t.is((await failure(() => parsedOptions(unbundle, ["-m", "M", "-k", "/nowhere"]))).code, "KEY_INVALID");
});

test("unbundle gives back, byte for byte, what outside programs bundled", async (t) => {
  await using made = await opensslBundle();
  await mkdir(made.file("out"));
  const cli = testCli();
  const { manifestPath } = made.bundle;
  const args = [
    "unbundle",
    "-m",
    manifestPath,
    "-s",
    made.folder,
    "-d",
    made.file("out"),
    "-k",
    made.keyPath,
  ];
  t.is(await runCli([...args, "--verify-signature", made.certificatePath], cli, COMMANDS), 0, cli.stderr());
  t.true((await readFile(made.file("out/disk.img"))).equals(made.disk));
  t.regex(cli.stdout(), /^checked +SHA-1 of \d+ parts; SHA-1 of the tar stream; size of the image$/m);
});

test("unbundle writes to a file that is named, and to standard output", async (t) => {
  await using made = await opensslBundle();
  const { manifestPath } = made.bundle;
  const args = ["unbundle", "-m", manifestPath, "-s", made.folder, "-k", made.keyPath, "-d"];
  t.is(await runCli([...args, made.file("named.raw")], testCli(), COMMANDS), 0);
  t.true((await readFile(made.file("named.raw"))).equals(made.disk));
  const cli = testCli();
  t.is(await runCli([...args, "-"], cli, COMMANDS), 0);
  t.true(cli.stdoutBytes().equals(made.disk));
});

const partOf = ({ folder, bundle }: TestBundle, index: number) => join(folder, bundle.partNames.at(index)!);

for (const [what, code, spoil] of [
  ["the wrong key", "KEY_MISMATCH", () => Promise.resolve()],
  ["a damaged part", "CHECKSUM_MISMATCH", (made: TestBundle) => flip(partOf(made, 1))],
  ["a part that is missing", "SOURCE_NOT_FOUND", (made: TestBundle) => rm(partOf(made, 2))],
  ["a last part cut short", "CHECKSUM_MISMATCH", (made: TestBundle) => truncate(partOf(made, -1), 16)],
  ["a part that has grown", "CHECKSUM_MISMATCH", (made: TestBundle) => appendFile(partOf(made, 0), "more")],
  [
    "a manifest cut in half",
    "MANIFEST_INVALID",
    (made: TestBundle) => truncate(made.bundle.manifestPath, 1000),
  ],
  ["another signer", "SIGNATURE_INVALID", () => Promise.resolve()],
] as const) {
  test(`unbundle with ${what} ends with ${code}, says what to do, and leaves nothing`, async (t) => {
    await using made = await opensslBundle();
    await spoil(made);
    await mkdir(made.file("out"));
    const cli = testCli();
    const key = code === "KEY_MISMATCH" ? made.otherKeyPath : made.keyPath;
    const signer = code === "SIGNATURE_INVALID" ? ["--verify-signature", made.otherCertificatePath] : [];
    const places = ["-m", made.bundle.manifestPath, "-s", made.folder, "-d", made.file("out")];
    const status = await runCli(["unbundle", ...places, "-k", key, ...signer], cli, COMMANDS);
    t.is(status, code === "SOURCE_NOT_FOUND" ? 3 : 6);
    t.regex(cli.stderr(), new RegExp(`^diskferry: ${code} `, "m"));
    t.regex(cli.stderr(), /^What to do: \S/m);
    t.deepEqual(await readdir(made.file("out")), []);
  });
}

test("unbundle keeps an image that exists, unless it is told otherwise", async (t) => {
  await using made = await opensslBundle();
  await writeFile(made.file("old.raw"), "old");
  const places = ["-m", made.bundle.manifestPath, "-s", made.folder, "-d", made.file("old.raw")];
  const args = ["unbundle", ...places, "-k", made.keyPath];
  t.is(await runCli(args, testCli(), COMMANDS), 4);
  t.is(await readFile(made.file("old.raw"), "utf8"), "old");
  t.is(await runCli([...args, "--force"], testCli(), COMMANDS), 0);
  t.true((await readFile(made.file("old.raw"))).equals(made.disk));
});

async function flip(path: string): Promise<void> {
  const content = await readFile(path);
  content[1000] = ~content[1000]! & 0xff;
  await writeFile(path, content);
}
