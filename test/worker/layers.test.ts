import { execFileSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { seededDisk } from "../../fixtures/seeded.ts";
import type { Source } from "../../pipeline/contract.ts";
import { type LayerOptions, peel } from "../../worker/layers.ts";
import { refuseUnsafe } from "../../validators/container/inspect-container.ts";
import { chunked } from "../support/bytes.ts";
import { temporaryFolder } from "../support/conversions.ts";
import { testContext } from "../support/context.ts";
import { failure } from "../support/errors.ts";

const disk = seededDisk("layers", { sizeBytes: 1024 * 1024 });

function memorySource(content: Uint8Array, seekable = true): Source {
  return {
    name: "memory",
    facts: async () => ({ seekable, sizeBytes: content.byteLength }),
    bytes: (_, fromByte = 0) => chunked(content.subarray(fromByte)),
  };
}

async function peeled(content: Uint8Array, options: LayerOptions = {}, seekable = true) {
  const source = memorySource(content, seekable);
  return await peel(
    { source, head: content.subarray(0, 1024 * 1024), layers: [], stages: [] },
    options,
    testContext(),
  );
}

function tarOf(files: Readonly<Record<string, Uint8Array>>): Promise<Buffer> {
  return (async () => {
    await using folder = await temporaryFolder();
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder.path, name), content);
    execFileSync("tar", ["-C", folder.path, "-cf", join(folder.path, "archive"), ...Object.keys(files)]);
    return await readFile(join(folder.path, "archive"));
  })();
}

test("peel() finds layers by their marks and takes them off in order", async (t) => {
  const archive = await tarOf({ "disk.raw": disk });
  for (const [content, layers] of [
    [disk, []],
    [gzipSync(disk), ["gzip"]],
    [archive, ["tar"]],
    [gzipSync(archive), ["gzip", "tar"]],
    [gzipSync(gzipSync(disk)), ["gzip", "gzip"]],
  ] as const) {
    const found = await peeled(content);
    t.deepEqual(found.layers, layers);
    t.is(found.stages.length, layers.length);
    t.is(found.format, "raw");
  }
});

test("peel() refuses a nest that goes deeper than anybody packs with IMAGE_UNSAFE", async (t) => {
  let nest: Uint8Array = disk;
  for (let depth = 0; depth < 5; depth++) nest = gzipSync(nest);
  t.is((await failure(() => peeled(nest))).code, "IMAGE_UNSAFE");
});

test("peel() looks past the beginning for a member that is named, where the source can be read anew", async (t) => {
  const qcow2 = Buffer.alloc(4096);
  qcow2.write("QFI\xfb", "latin1");
  qcow2.writeUInt32BE(3, 4);
  qcow2.writeBigUInt64BE(4096n, 24);
  const archive = await tarOf({ first: disk, second: disk.subarray(0, 512_000), "disk.qcow2": qcow2 });
  t.like(await peeled(archive, { member: "disk.qcow2" }), {
    layers: ["tar"],
    format: "qcow2",
    virtualSizeBytes: 4096,
  });
});

test("peel() reports a member that is not there, or several without a name, with MEMBER_NOT_FOUND", async (t) => {
  const archive = await tarOf({ one: disk.subarray(0, 512), two: disk.subarray(512, 1024) });
  t.is((await failure(() => peeled(archive, { member: "three" }))).code, "MEMBER_NOT_FOUND");
  t.is((await failure(() => peeled(archive))).code, "MEMBER_NOT_FOUND");
});

test("peel() finds a fixed VHD by its end, and believes --from where the end cannot be seen", async (t) => {
  const footer = Buffer.alloc(512);
  footer.write("conectix", "latin1");
  footer.writeBigUInt64BE(BigInt(disk.byteLength), 48);
  footer.writeUInt32BE(2, 60);
  const vhd = Buffer.concat([disk, footer]);
  t.like(await peeled(vhd), { format: "vhd", virtualSizeBytes: disk.byteLength });
  t.is((await peeled(vhd, {}, false)).format, "raw");
  t.is((await peeled(vhd, { from: "vhd" }, false)).format, "vhd");
});

test("peel() tells of a declared format that the content contradicts, as refuseUnsafe() throws it with FORMAT_MISMATCH", async (t) => {
  for (const [content, from] of [
    [Buffer.from(`conectix${"\0".repeat(504)}`), "qcow2"],
    [disk, "vmdk"],
  ] as const) {
    const { safety } = await peeled(content, { from });
    t.is((await failure(() => refuseUnsafe("image", safety))).code, "FORMAT_MISMATCH");
  }
});
