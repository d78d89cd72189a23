import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { gzipSync } from "node:zlib";
import { seededDisk } from "../../fixtures/seeded.ts";
import { parseResultManifest } from "../../manifest/result.ts";
import { collect } from "../support/bytes.ts";
import { convert, temporaryFolder } from "../support/conversions.ts";
import { failure } from "../support/errors.ts";
import { requires } from "../support/requires.ts";

const MiB = 1024 * 1024;
const disk = seededDisk("conversion", { sizeBytes: 9 * MiB });
const test = requires("qemu-img", "qemu-nbd");

async function folderWithDisk(content: Uint8Array = disk) {
  const folder = await temporaryFolder();
  await writeFile(join(folder.path, "disk.raw"), content);
  const scratch = join(folder.path, "scratch");
  await mkdir(scratch);
  return { at: (name: string) => join(folder.path, name), scratch, folder };
}

function qemu(...args: string[]): string {
  return execFileSync("qemu-img", args, { encoding: "utf8" });
}

test("runConversion() makes qcow2 of a raw file without scratch, and states it in a manifest beside it", async (t) => {
  const { at, scratch, folder } = await folderWithDisk();
  await using _ = folder;
  const { plan, manifest, manifestName } = await convert(at("disk.raw"), at("disk.qcow2"), {
    scratch: { parentFolder: scratch, limitBytes: 0 },
  });
  t.is(plan.route, "ranged");
  t.is(manifestName, at("disk.qcow2.diskferry.json"));
  t.deepEqual(parseResultManifest(await readFile(at("disk.qcow2.diskferry.json"))), manifest);
  t.like(manifest.result, { format: "qcow2", virtualSizeBytes: disk.byteLength });
  t.is(manifest.programs[0]?.name, "qemu-img");
  t.deepEqual(
    plan.steps.map(({ step }) => step).toSorted(),
    manifest.durations.map(({ step }) => step).toSorted(),
    "the plan names the steps that were run",
  );
  t.regex(qemu("compare", "-f", "raw", "-F", "qcow2", at("disk.raw"), at("disk.qcow2")), /identical/);
  t.deepEqual((await readdir(folder.path)).toSorted(), [
    "disk.qcow2",
    "disk.qcow2.diskferry.json",
    "disk.raw",
    "scratch",
  ]);
});

test("runConversion() gives the same disk digest by every route", async (t) => {
  const { at, folder } = await folderWithDisk();
  await using _ = folder;
  await writeFile(at("disk.raw.gz"), gzipSync(disk));
  execFileSync("tar", ["-C", folder.path, "-cf", at("disk.tar"), "disk.raw"]);
  const digests = new Map<string, string>();
  for (const [from, to, route] of [
    ["disk.raw", "a.qcow2", "ranged"],
    ["a.qcow2", "b.vmdk", "ranged"],
    ["b.vmdk", "c.raw", "ranged"],
    ["disk.raw.gz", "d.raw", "stream"],
    ["disk.raw.gz", "e.vdi", "spool"],
    ["disk.tar", "f.raw", "stream"],
    ["disk.tar", "g.vhdx", "spool"],
  ] as const) {
    const { plan, manifest } = await convert(at(from), at(to));
    t.is(plan.route, route, `${from} to ${to}`);
    digests.set(`${from} to ${to}`, manifest.diskDigest.value);
  }
  t.is(new Set(digests.values()).size, 1, JSON.stringify([...digests], undefined, 1));
  t.is(Buffer.compare(await readFile(at("d.raw")), disk), 0);
  t.is(Buffer.compare(await readFile(at("f.raw")), disk), 0);
});

test("runConversion() decodes to a pipe without scratch and reads from one", async (t) => {
  const { at, scratch, folder } = await folderWithDisk();
  await using _ = folder;
  await convert(at("disk.raw"), at("disk.qcow2"));
  const output = new PassThrough();
  const read = collect(output);
  const { plan, manifestName } = await convert(at("disk.qcow2"), "-", {
    access: { output },
    scratch: { parentFolder: scratch, limitBytes: 0 },
  });
  output.end();
  t.is(Buffer.compare(await read, disk), 0);
  t.is(plan.route, "ranged");
  t.is(manifestName, undefined);
  const piped = await convert("-", at("piped.vmdk"), { access: { input: createReadStream(at("disk.raw")) } });
  t.is(piped.plan.route, "spool");
  t.regex(qemu("compare", "-f", "raw", "-F", "vmdk", at("disk.raw"), at("piped.vmdk")), /identical/);
});

test("runConversion() makes what a pipe cannot seek in scratch first", async (t) => {
  const { at, scratch, folder } = await folderWithDisk();
  await using _ = folder;
  const output = new PassThrough();
  const read = collect(output);
  const { plan } = await convert(at("disk.raw"), "-", {
    access: { output },
    target: { to: { format: "vmdk", subformat: "streamOptimized" } },
    scratch: { parentFolder: scratch },
  });
  output.end();
  await writeFile(at("piped.vmdk"), await read);
  t.true(plan.spoolsResult);
  t.regex(qemu("compare", "-f", "raw", "-F", "vmdk", at("disk.raw"), at("piped.vmdk")), /identical/);
  t.deepEqual(await readdir(scratch), []);
});

for (const [title, limitBytes, code] of [
  ["a limit that the image passes as it comes", 4 * MiB, "SCRATCH_EXCEEDED"],
  ["no scratch at all", 0, "SCRATCH_EXCEEDED"],
] as const) {
  test(`runConversion() refuses ${title} with ${code} and leaves nothing`, async (t) => {
    const { at, scratch, folder } = await folderWithDisk();
    await using _ = folder;
    await writeFile(at("disk.raw.gz"), gzipSync(disk));
    const settings = { scratch: { parentFolder: scratch, limitBytes } };
    t.is((await failure(() => convert(at("disk.raw.gz"), at("out.qcow2"), settings))).code, code);
    t.deepEqual(await readdir(scratch), []);
    t.deepEqual((await readdir(folder.path)).toSorted(), ["disk.raw", "disk.raw.gz", "scratch"]);
  });
}

test("runConversion() leaves nothing and no result when it is aborted in any step", async (t) => {
  const { at, scratch, folder } = await folderWithDisk();
  await using _ = folder;
  await writeFile(at("disk.raw.gz"), gzipSync(disk));
  for (const step of ["read", "decompress gzip", "digest", "write", "convert", "digest source", "check"]) {
    const controller = new AbortController();
    const reason = new Error(`stopped in ${step}`);
    let reached = false;
    const converting = convert(at("disk.raw.gz"), at("out.qcow2"), {
      scratch: { parentFolder: scratch },
      signal: controller.signal,
      progress(event) {
        if (event.step !== step) return;
        reached = true;
        controller.abort(reason);
      },
    });
    t.is(await t.throwsAsync(converting, undefined, `in ${step}`), reason, `in ${step}`);
    t.true(reached, `no step "${step}"`);
    t.deepEqual(await readdir(scratch), []);
    t.deepEqual((await readdir(folder.path)).toSorted(), ["disk.raw", "disk.raw.gz", "scratch"]);
  }
});

test("runConversion() replaces nothing that is there, unless it is told to", async (t) => {
  const { at, folder } = await folderWithDisk();
  await using _ = folder;
  await writeFile(at("out.qcow2"), "precious");
  const steps: string[] = [];
  const progress = ({ step }: { step: string }) => void steps.push(step);
  t.is(
    (await failure(() => convert(at("disk.raw"), at("out.qcow2"), { progress }))).code,
    "DESTINATION_EXISTS",
  );
  t.deepEqual(steps, [], "it is refused before any work");
  t.is(await readFile(at("out.qcow2"), "utf8"), "precious");
  await convert(at("disk.raw"), at("out.qcow2"), { target: { overwrite: true } });
  t.regex(qemu("info", at("out.qcow2")), /qcow2/);
});

test("runConversion() signs the manifest when it is given a key", async (t) => {
  const { at, folder } = await folderWithDisk();
  await using _ = folder;
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await convert(at("disk.raw"), at("out.qcow2"), { options: { signingKey: privateKey } });
  t.true((await readdir(folder.path)).includes("out.qcow2.diskferry.json.sig"));
});

test("resolveSource() refuses a declared format that the image contradicts with FORMAT_MISMATCH", async (t) => {
  const { at, folder } = await folderWithDisk();
  await using _ = folder;
  await convert(at("disk.raw"), at("disk.qcow2"));
  const asRaw = () => convert(at("disk.qcow2"), at("out.raw"), { source: { from: "raw" } });
  t.is((await failure(asRaw)).code, "FORMAT_MISMATCH");
  t.false((await readdir(folder.path)).includes("out.raw"));
});

test("runConversion() refuses a truncated qcow2 and leaves nothing", async (t) => {
  const { at, folder } = await folderWithDisk();
  await using _ = folder;
  await convert(at("disk.raw"), at("disk.qcow2"));
  await truncate(at("disk.qcow2"), 3 * MiB);
  const error = await failure(() => convert(at("disk.qcow2"), at("out.raw")));
  t.is(error.code, "IMAGE_CORRUPT");
  t.false((await readdir(folder.path)).some((name) => name.includes("out.raw")));
});
