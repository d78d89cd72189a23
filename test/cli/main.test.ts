import { execFileSync } from "node:child_process";
import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { seededBytes, seededDisk } from "../../fixtures/seeded.ts";
import { runDiskferry, startDiskferry } from "../support/diskferry.ts";
import { temporaryFolder } from "../support/folder.ts";
import { requires } from "../support/requires.ts";
import { requiresShared, sharedFile } from "../support/shared.ts";

const MIB = 1024 * 1024;
const withQemu = requires("qemu-img", "qemu-nbd");
const IMAGE = "images/dfvfs-ext2.qcow2";

/** Programs that were started for something in `folder` and still run. */
function programsAt(folder: string): readonly string[] {
  const listing = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
  return listing.split("\n").filter((line) => line.includes(folder) && !line.startsWith("ps "));
}

test("diskferry --version prints the version of the package", async (t) => {
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, "../../package.json"), "utf8"));
  const { status, stdout, stderr } = await runDiskferry(["--version"], import.meta.dirname);
  t.deepEqual([status, stdout, stderr], [0, `${version}\n`, ""]);
});

test("diskferry ends with 2 for a command that there is not, and prints nothing but that", async (t) => {
  const { status, stdout, stderr } = await runDiskferry(["import"], import.meta.dirname);
  t.deepEqual([status, stdout], [2, ""]);
  t.is(stderr, "diskferry: ARGUMENT_INVALID unknown command 'import'\nWhat to do: See: diskferry --help\n");
});

requiresShared(IMAGE)("diskferry converts, verifies, compares and digests a real image", async (t) => {
  await using folder = await temporaryFolder();
  const image = sharedFile(IMAGE);
  await copyFile(image, folder.file("disk.qcow2"));
  const run = async (...args: string[]) => runDiskferry(args, folder.path);
  t.is((await run("convert", "disk.qcow2", "disk.vhd")).status, 0);
  t.is((await run("verify", "disk.vhd")).status, 0);
  t.is((await run("compare", "disk.qcow2", "disk.vhd")).status, 0);
  const digests = await Promise.all([
    run("digest", "disk.qcow2", "--quiet"),
    run("convert", "disk.qcow2", "-", "-q"),
  ]);
  t.regex(digests[0].stdout, /^sha256-tree-4mib:[0-9a-f]{64} {2}disk\.qcow2\n$/);
  t.is(digests[0].stderr, "");
  const files = ["disk.qcow2", "disk.vhd", "disk.vhd.diskferry.json"];
  t.deepEqual((await readdir(folder.path)).sort(), files);
  t.true(
    (await readFile(folder.file("disk.qcow2"))).equals(await readFile(image)),
    "the source is never written",
  );
});

withQemu("diskferry verify ends with 6 when the result was changed", async (t) => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("disk.raw"), seededDisk("verify", { sizeBytes: MIB }));
  t.is((await runDiskferry(["convert", "disk.raw", "copy.raw"], folder.path)).status, 0);
  const content = await readFile(folder.file("copy.raw"));
  content[5000] = ~content[5000]! & 0xff;
  await writeFile(folder.file("copy.raw"), content);
  const { status, stderr } = await runDiskferry(["verify", "copy.raw"], folder.path);
  t.is(status, 6);
  t.regex(stderr, /^diskferry: DIGEST_MISMATCH /);
  t.is((await runDiskferry(["compare", "disk.raw", "copy.raw"], folder.path)).status, 1);
});

for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  test(`diskferry that gets ${signal} while it reads a pipe ends with ${status} and leaves nothing`, async (t) => {
    await using folder = await temporaryFolder();
    const args = ["convert", "-", "disk.raw", "--from", "raw", "--progress", "json"];
    const { child, printed, ended } = startDiskferry(args, folder.path);
    child.stdin.write(seededBytes("pipe", 4 * MIB));
    await printed(/"kind":"moved","step":"read"/);
    t.is((await readdir(folder.path)).filter((name) => name.startsWith(".disk.raw.diskferry-")).length, 1);
    child.kill(signal);
    const { status: found, stdout, stderr } = await ended;
    t.is(found, status);
    t.is(stdout, "");
    t.regex(
      stderr,
      new RegExp(`^diskferry: INTERRUPTED Stopped by ${signal}; unfinished work was removed$`, "m"),
    );
    t.deepEqual(await readdir(folder.path), []);
  });
}

withQemu(
  "diskferry that gets Ctrl-C twice while qemu-img works ends it, cleans up, and ends with 130",
  async (t) => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file("disk.raw"), seededBytes("busy", 256 * MIB));
    const args = ["convert", "disk.raw", "disk.qcow2", "--compress", "--progress", "json"];
    const { child, printed, ended } = startDiskferry(args, folder.path);
    await printed(/"kind":"moved","step":"convert"/);
    t.true(programsAt(folder.path).length > 0);
    child.kill("SIGINT");
    child.kill("SIGINT");
    const { status, stderr } = await ended;
    t.is(status, 130, stderr);
    t.deepEqual(await readdir(folder.path), ["disk.raw"]);
    t.deepEqual(programsAt(folder.path), []);
  },
);

test("diskferry whose reader goes away ends with 4 and says so", async (t) => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("disk.raw"), seededBytes("epipe", 16 * MIB));
  const { child, ended } = startDiskferry(["convert", "disk.raw", "-"], folder.path);
  child.stdout.once("data", () => child.stdout.destroy());
  const { status, stderr } = await ended;
  t.is(status, 4);
  t.regex(stderr, /^diskferry: DESTINATION_UNAVAILABLE .*reader went away/m);
});

test("diskferry shows plain lines on what is no terminal, and nothing for what is quick", async (t) => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("disk.raw"), seededDisk("quick", { sizeBytes: MIB }));
  const { stderr } = await runDiskferry(
    ["digest", "-", "--from", "raw"],
    folder.path,
    seededDisk("x", { sizeBytes: MIB }),
  );
  t.is(stderr, "");
});
