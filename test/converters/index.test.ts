import test from "ava";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededDisk } from "../../fixtures/seeded.ts";
import { CONVERTERS, convertDisk, converterFor } from "../../converters/index.ts";
import { diskDigester } from "../../pipeline/disk-digest.ts";
import { FORMAT_NAMES, type TargetFormat } from "../../pipeline/disk-format.ts";
import { qemuImg } from "../../programs/qemu-img.ts";
import { testContext } from "../support/context.ts";
import { hashingThreads } from "../support/hashing-threads.ts";
import { processesWith } from "../support/processes.ts";
import { requires } from "../support/requires.ts";

const testQemu = requires("qemu-img", "qemu-nbd");

/** Every format, and every way of writing it. */
const TARGETS: readonly TargetFormat[] = [
  { format: "raw" },
  { format: "qcow2" },
  { format: "qcow2", clusterSizeBytes: 512 },
  { format: "qcow2", clusterSizeBytes: 2 * 1024 ** 2 },
  { format: "qcow2", compression: "zlib" },
  { format: "qcow2", compression: "zstd" },
  { format: "vmdk", subformat: "monolithicSparse" },
  { format: "vmdk", subformat: "streamOptimized" },
  { format: "vhd", subformat: "dynamic" },
  { format: "vhd", subformat: "fixed" },
  { format: "vhdx", subformat: "dynamic" },
  { format: "vhdx", subformat: "fixed" },
  { format: "vdi", subformat: "dynamic" },
  { format: "vdi", subformat: "fixed" },
];

const context = (rest: Parameters<typeof testContext>[0] = {}) =>
  testContext({ threads: hashingThreads, ...rest });

async function folderOf(t: { teardown(fn: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "diskferry-test-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function digestOf(content: Uint8Array): Promise<string> {
  const digester = diskDigester(context());
  await digester.update(content);
  return (await digester.finish()).digest;
}

const title = (target: TargetFormat) => JSON.stringify(target).replaceAll(/[{}"]/g, "");
const DISK_BYTES = 9 * 1024 ** 2 + 512 * 3;

test("TARGETS of this suite cover every converter", (t) => {
  t.deepEqual([...new Set(TARGETS.map(({ format }) => format))], [...FORMAT_NAMES]);
  for (const format of FORMAT_NAMES) t.is(converterFor(format).to, format);
});

for (const target of TARGETS) {
  testQemu.serial(
    `convertDisk() to ${title(target)} keeps size and disk digest, there and back`,
    async (t) => {
      const folder = await folderOf(t);
      const [source, there, back] = [join(folder, "source"), join(folder, "there"), join(folder, "back")];
      const disk = seededDisk("converters", { sizeBytes: DISK_BYTES });
      await writeFile(source, disk);
      const before = await stat(source);
      const wanted = { diskDigest: await digestOf(disk), virtualSizeBytes: DISK_BYTES, paddingBytes: 0 };

      const result = await convertDisk(
        { from: { path: source, format: "raw" }, to: { path: there, ...target } },
        context(),
      );
      t.like(result, wanted);
      t.is(result.resultBytes, (await stat(there)).size);
      t.is(result.check !== undefined, !["raw", "vhd"].includes(target.format));
      t.deepEqual((await stat(source)).mtimeMs, before.mtimeMs);
      t.true((await readFile(source)).equals(disk));

      const encoded = createHash("sha256")
        .update(await readFile(there))
        .digest("hex");
      const returned = await convertDisk(
        { from: { path: there, format: target.format }, to: { path: back, format: "raw" } },
        context(),
      );
      t.like(returned, wanted);
      t.true((await readFile(back)).equals(disk));
      t.is(
        createHash("sha256")
          .update(await readFile(there))
          .digest("hex"),
        encoded,
        "the source was written to",
      );
      t.deepEqual((await readdir(folder)).sort(), ["back", "source", "there"]);
    },
  );

  testQemu.serial(
    `requiredScratchBytes() to ${title(target)} is no less than a full, incompressible disk takes`,
    async (t) => {
      const folder = await folderOf(t);
      const [source, result] = [join(folder, "source"), join(folder, "result")];
      await writeFile(source, seededDisk("full", { sizeBytes: 5 * 1024 ** 2, every: 1 }));
      const request = { from: { path: source, format: "raw" }, to: { path: result, ...target } } as const;
      const boundBytes = await converterFor(target.format).requiredScratchBytes(request, context());
      const { resultBytes } = await convertDisk(request, context());
      t.true(resultBytes <= boundBytes, `${resultBytes} > ${boundBytes}`);
    },
  );

  testQemu.serial(
    `convertDisk() to ${title(target)} leaves no file when it is aborted half-way`,
    async (t) => {
      const folder = await folderOf(t);
      const [source, result] = [join(folder, "source"), join(folder, "result")];
      await writeFile(source, "");
      await truncate(source, 64 * 1024 ** 2);
      const stop = new AbortController();
      const reason = new Error("enough");
      const stopping = context({
        signal: stop.signal,
        progress: (event) => {
          if (event.kind === "started" && event.step === "convert") stop.abort(reason);
        },
      });
      const request = { from: { path: source, format: "raw" }, to: { path: result, ...target } } as const;
      t.is(await t.throwsAsync(convertDisk(request, stopping)), reason);
      t.deepEqual(await readdir(folder), ["source"]);
      t.deepEqual(processesWith(folder), []);
    },
  );
}

for (const [extraBytes, paddingBytes] of [
  [1, 511],
  [511, 1],
  [512, 0],
  [513, 511],
] as const) {
  testQemu.serial(
    `convertDisk() pads ${extraBytes} bytes past a sector with ${paddingBytes}, and says so`,
    async (t) => {
      const folder = await folderOf(t);
      const disk = seededDisk("odd", { sizeBytes: 70_144 + extraBytes, every: 1 });
      await writeFile(join(folder, "source"), disk);
      const padded = Buffer.concat([disk, Buffer.alloc(paddingBytes)]);
      for (const target of TARGETS) {
        const observed = context();
        const to = { path: join(folder, "result"), ...target };
        const result = await convertDisk(
          { from: { path: join(folder, "source"), format: "raw" }, to },
          observed,
        );
        t.like(
          result,
          { virtualSizeBytes: padded.byteLength, paddingBytes, diskDigest: await digestOf(padded) },
          title(target),
        );
        t.is(observed.events.filter(({ kind }) => kind === "note").length, paddingBytes === 0 ? 0 : 1);
      }
    },
  );
}

testQemu.serial("convertDisk() converts an empty disk", async (t) => {
  const folder = await folderOf(t);
  await writeFile(join(folder, "source"), "");
  const to = { path: join(folder, "result"), format: "qcow2" } as const;
  const result = await convertDisk({ from: { path: join(folder, "source"), format: "raw" }, to }, context());
  t.like(result, { virtualSizeBytes: 0, diskDigest: await digestOf(Buffer.alloc(0)) });
});

testQemu.serial(
  "convertDisk() takes file names with commas, colons, quotes and protocol prefixes",
  async (t) => {
    const folder = await folderOf(t);
    const odd = join(folder, `json:{"a",b} nbd:x\\y\n`);
    await mkdir(odd);
    await writeFile(join(odd, "fat:a,b=c"), seededDisk("names", { sizeBytes: 65_536 }));
    const request = {
      from: { path: join(odd, "fat:a,b=c"), format: "raw" },
      to: { path: join(odd, "result,size=1"), format: "qcow2" },
    } as const;
    t.is((await convertDisk(request, context())).virtualSizeBytes, 65_536);
  },
);

testQemu.serial(
  "accepts() tells a missing program by its package, and a disk too large by its limit",
  async (t) => {
    const bare = context({ programPath: "/nonexistent" });
    const sizes = {
      raw: 2 ** 53,
      qcow2: 2 ** 53,
      vmdk: 2 ** 41 + 1,
      vhd: 2 ** 41,
      vhdx: 2 ** 46 + 1,
      vdi: 2 ** 50,
    };
    for (const target of TARGETS) {
      const converter = converterFor(target.format);
      t.deepEqual(await converter.accepts({ from: "raw", to: target }, context()), { isAccepted: true });
      t.like(await converter.accepts({ from: "raw", to: target }, bare), {
        isAccepted: false,
        code: "PROGRAM_MISSING",
        remedy: "Install it with: apt-get install qemu-utils",
      });
      const facts = { from: "raw", to: target, virtualSizeBytes: sizes[target.format] } as const;
      t.like(await converter.accepts(facts, context()), { isAccepted: false, code: "PLAN_IMPOSSIBLE" });
    }
  },
);

testQemu.serial("a VHD holds exactly its limit, and one sector more is PLAN_IMPOSSIBLE", async (t) => {
  const folder = await folderOf(t);
  const limitBytes = 0xff00_0000 * 512;
  for (const [sizeBytes, isAccepted] of [
    [limitBytes, true],
    [limitBytes + 512, false],
  ] as const) {
    const facts = { from: "raw", to: { format: "vhd" }, virtualSizeBytes: sizeBytes } as const;
    t.is((await CONVERTERS.vhd.accepts(facts, context())).isAccepted, isAccepted);
    const path = join(folder, `${sizeBytes}`);
    const image = { path, format: "vhd", virtualSizeBytes: sizeBytes } as const;
    const create = qemuImg.create(image, { subformat: "dynamic", force_size: "on" }, context());
    if (isAccepted) await t.notThrowsAsync(create);
    else await t.throwsAsync(create, undefined, "qemu allows more than we: raise the limit");
  }
});
