import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { inspectSource } from "../../worker/inspect-source.ts";
import { digestSource } from "../../worker/digest-source.ts";
import { parseLocation } from "../../worker/location.ts";
import { resolveSource } from "../../worker/resolve-source.ts";
import { withRun } from "../../worker/run-context.ts";
import { localAccess, temporaryFolder } from "../support/conversions.ts";
import { serveFolder } from "../support/folder-server.ts";
import { requires } from "../support/requires.ts";

const MiB = 1024 * 1024;
const test = requires("qemu-img", "qemu-nbd", "sfdisk", "mke2fs");

/** A disk with an MBR and one ext2 file system, made by Debian's programs. */
async function diskWithFileSystem() {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  execFileSync("truncate", ["-s", "24M", at("disk.raw")]);
  execFileSync("sfdisk", ["-q", at("disk.raw")], { input: "label: dos\nstart=2048, type=83, bootable\n" });
  execFileSync("mke2fs", ["-q", "-t", "ext2", "-L", "root", "-E", `offset=${MiB}`, at("disk.raw"), "20M"]);
  execFileSync("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", at("disk.raw"), at("disk.qcow2")]);
  await writeFile(at("disk.raw.gz"), gzipSync(await readFile(at("disk.raw"))));
  return { folder, at };
}

async function inspect(location: string) {
  const signal = new AbortController().signal;
  return await withRun({ signal }, async (context) => {
    await using source = await resolveSource(parseLocation(location), {}, localAccess(), context);
    return await inspectSource(source, context);
  });
}

async function digest(location: string) {
  const signal = new AbortController().signal;
  return await withRun({ signal }, async (context) => {
    await using source = await resolveSource(parseLocation(location), {}, localAccess(), context);
    return await digestSource(source, context);
  });
}

test("inspectSource() names partitions and file systems of a disk, however it is stored", async (t) => {
  const { folder, at } = await diskWithFileSystem();
  await using _ = folder;
  await using server = await serveFolder(folder.path);
  for (const [location, format, layers] of [
    [at("disk.raw"), "raw", []],
    [at("disk.qcow2"), "qcow2", []],
    [at("disk.raw.gz"), "raw", ["gzip"]],
    [`${server.origin}/disk.raw`, "raw", []],
    [`${server.origin}/disk.raw.gz`, "raw", ["gzip"]],
  ] as const) {
    const found = await inspect(location);
    t.like(found, { format, partitionTable: "mbr" }, location);
    t.deepEqual(found.layers, layers);
    t.is(found.volumes.length, 1);
    t.like(
      found.volumes[0],
      { number: 1, offsetBytes: MiB, fileSystem: { type: "ext2", label: "root" } },
      location,
    );
    t.deepEqual(found.problems, []);
  }
});

test("inspectSource() says which partitions lie behind what it unwrapped", async (t) => {
  const { folder, at } = await diskWithFileSystem();
  await using _ = folder;
  const input = "label: gpt\nstart=2048, size=2048\nstart=40960\n";
  execFileSync("sfdisk", ["-q", at("disk.raw")], { input });
  await writeFile(at("gpt.raw.gz"), gzipSync(await readFile(at("disk.raw"))));
  const found = await inspect(at("gpt.raw.gz"));
  t.is(found.partitionTable, "gpt");
  t.is(found.volumes[0]?.note, undefined);
  t.regex(found.volumes[1]?.note ?? "", /first 16 MiB/);
  t.deepEqual(found.problems, []);
  t.is(found.virtualSizeBytes, undefined);
});

test("inspectSource() says what it could not look at, of a remote qcow2", async (t) => {
  const { folder } = await diskWithFileSystem();
  await using _ = folder;
  await using server = await serveFolder(folder.path);
  const found = await inspect(`${server.origin}/disk.qcow2`);
  t.like(found, { format: "qcow2", virtualSizeBytes: 24 * MiB, volumes: [] });
  t.truthy(found.note);
});

test("digestSource() gives one digest for one disk, however it is stored", async (t) => {
  const { folder, at } = await diskWithFileSystem();
  await using _ = folder;
  await using server = await serveFolder(folder.path);
  const wanted = await digest(at("disk.raw"));
  t.is(wanted.sizeBytes, 24 * MiB);
  for (const location of [
    at("disk.qcow2"),
    at("disk.raw.gz"),
    `${server.origin}/disk.raw`,
    `${server.origin}/disk.qcow2`,
  ]) {
    t.deepEqual(await digest(location), wanted, location);
  }
});
