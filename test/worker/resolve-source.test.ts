import { execFileSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { seededDisk } from "../../fixtures/seeded.ts";
import type { Context } from "../../pipeline/contract.ts";
import type { Access } from "../../worker/access.ts";
import { parseLocation } from "../../worker/location.ts";
import { type ResolvedSource, resolveSource } from "../../worker/resolve-source.ts";
import { isOpenable, localImage } from "../../worker/spool.ts";
import { openDisk } from "../../worker/open-disk.ts";
import { diskBytes } from "../../worker/disk-bytes.ts";
import { digestSource } from "../../worker/digest-source.ts";
import { withRun } from "../../worker/run-context.ts";
import { collect } from "../support/bytes.ts";
import { localAccess, temporaryFolder } from "../support/conversions.ts";
import { failure } from "../support/errors.ts";
import { requires } from "../support/requires.ts";

const test = requires("qemu-img", "qemu-nbd");
const disk = seededDisk("resolve", { sizeBytes: 3 * 1024 * 1024 });

async function images() {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  await writeFile(at("disk.raw"), disk);
  await writeFile(at("disk.raw.gz"), gzipSync(disk));
  execFileSync("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", at("disk.raw"), at("disk.qcow2")]);
  return { folder, at };
}

async function resolved<T>(
  location: string,
  work: (source: ResolvedSource, context: Context) => Promise<T>,
  access: Partial<Access> = {},
): Promise<T> {
  return await withRun({ signal: new AbortController().signal }, async (context) => {
    await using source = await resolveSource(parseLocation(location), {}, localAccess(access), context);
    return await work(source, context);
  });
}

test("resolveSource() tells sizes as far as they are known before the work", async (t) => {
  const { folder, at } = await images();
  await using _ = folder;
  await resolved(at("disk.raw"), async ({ sizeBytes, imageBytes, virtualSizeBytes, layers, isLocalFile }) => {
    t.deepEqual(
      [sizeBytes, imageBytes, virtualSizeBytes],
      [disk.byteLength, disk.byteLength, disk.byteLength],
    );
    t.deepEqual([layers, isLocalFile], [[], true]);
  });
  await resolved(at("disk.raw.gz"), async ({ imageBytes, virtualSizeBytes, layers }) => {
    t.deepEqual([imageBytes, virtualSizeBytes, layers], [undefined, undefined, ["gzip"]]);
  });
  await resolved(at("disk.qcow2"), async ({ sizeBytes, imageBytes, virtualSizeBytes, format }) => {
    t.deepEqual([virtualSizeBytes, format], [disk.byteLength, "qcow2"]);
    t.is(sizeBytes, imageBytes);
  });
});

test("resolveSource() reads a pipe once and loses none of it", async (t) => {
  const { folder, at } = await images();
  await using _ = folder;
  const input = createReadStream(at("disk.raw.gz"));
  await resolved(
    "-",
    async (source, context) => {
      t.deepEqual(source.layers, ["gzip"]);
      t.is(Buffer.compare(await collect(diskBytes(source, "read", context)), disk), 0);
    },
    { input },
  );
});

test("resolveSource() reports a source that is not there with SOURCE_NOT_FOUND", async (t) => {
  t.is((await failure(() => resolved("/does/not/exist", async () => undefined))).code, "SOURCE_NOT_FOUND");
});

test("localImage() gives the file itself where qemu can open it, and else a copy in scratch that goes away", async (t) => {
  const { folder, at } = await images();
  await using _ = folder;
  await resolved(at("disk.qcow2"), async (source, context) => {
    t.true(isOpenable(source));
    await using image = await localImage(source, context);
    t.is(image.path, at("disk.qcow2"));
  });
  await resolved(at("disk.raw.gz"), async (source, context) => {
    t.false(isOpenable(source));
    const image = await localImage(source, context);
    t.is(image.sizeBytes, disk.byteLength);
    t.is(image.diskDigest, (await digestSource(source, context)).digest);
    await using opened = await openDisk({ path: image.path, format: "raw" }, context);
    t.is(opened.sizeBytes, disk.byteLength);
    await image[Symbol.asyncDispose]();
    t.is(
      (await failure(() => openDisk({ path: image.path, format: "raw" }, context))).code,
      "SOURCE_NOT_FOUND",
    );
  });
});

test("diskBytes() gives the disk that a guest sees, from every kind of storage", async (t) => {
  const { folder, at } = await images();
  await using _ = folder;
  for (const name of ["disk.raw", "disk.raw.gz", "disk.qcow2"]) {
    await resolved(at(name), async (source, context) => {
      t.is(Buffer.compare(await collect(diskBytes(source, "read", context)), disk), 0, name);
    });
  }
});
