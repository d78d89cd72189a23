import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { decompress } from "../../../stages/transforms/decompress.ts";
import anyTest, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { mutated } from "../../../fixtures/hostile/mutations.ts";
import { fixedVhd } from "../../../fixtures/hostile/good/vhd.ts";
import { qcow2Image } from "../../../fixtures/hostile/good/qcow2.ts";
import { GOOD_IMAGES } from "../../../fixtures/hostile/good/index.ts";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { DEFAULT_LIMITS } from "../../../pipeline/context.ts";
import type { DiskFormat } from "../../../pipeline/disk-format.ts";
import { fileBlocks } from "../../../stages/blocks/file.ts";
import { blocksView, MAX_INSPECTION_BYTES, prefixView } from "../../../validators/container/image-view.ts";
import { inspectContainer, refuseUnsafe } from "../../../validators/container/inspect-container.ts";
import { collect, chunked } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { brokenRules, inspectedBytes } from "../../support/inspected.ts";
import { requires } from "../../support/requires.ts";
import { requiresShared, sharedFile } from "../../support/shared.ts";

const run = promisify(execFile);
const numRuns = Number(process.env.PROPERTY_RUNS ?? 300);
const MIB = 1024 * 1024;

/** What qemu-img is given to make an image, and what must come of it. */
const VARIANTS: readonly (readonly [format: DiskFormat, driver: string, ...args: string[]])[] = [
  ...["512", "4k", "64k", "2M"].flatMap((size) =>
    ["0.10", "1.1"].flatMap((compat) => {
      const options = `cluster_size=${size},compat=${compat}`;
      return [["qcow2", "qcow2", "-o", options] as const, ["qcow2", "qcow2", "-o", options, "-c"] as const];
    }),
  ),
  ["qcow2", "qcow2", "-o", "compression_type=zstd", "-c"],
  ["qcow2", "qcow2", "-o", "extended_l2=on"],
  ["qcow2", "qcow2", "-o", "extended_l2=on,cluster_size=16k", "-c"],
  ["qcow2", "qcow2", "-o", "lazy_refcounts=on"],
  ["qcow2", "qcow2", "-o", "refcount_bits=1"],
  ["qcow2", "qcow2", "-o", "refcount_bits=64"],
  ...["metadata", "falloc", "full"].map((how) => ["qcow2", "qcow2", "-o", `preallocation=${how}`] as const),
  ["vmdk", "vmdk", "-o", "subformat=monolithicSparse"],
  ["vmdk", "vmdk", "-o", "subformat=monolithicSparse,adapter_type=lsilogic,hwversion=10"],
  ["vmdk", "vmdk", "-o", "compat6=on"],
  ["vmdk", "vmdk", "-o", "zeroed_grain=on"],
  ["vmdk", "vmdk", "-o", "subformat=streamOptimized"],
  ...["dynamic", "fixed"].flatMap((subformat) => [
    ["vhd", "vpc", "-o", `subformat=${subformat}`] as const,
    ["vhd", "vpc", "-o", `subformat=${subformat},force_size=on`] as const,
    ["vhdx", "vhdx", "-o", `subformat=${subformat}`] as const,
    ["vhdx", "vhdx", "-o", `subformat=${subformat},block_size=1M`] as const,
  ]),
  ["vhdx", "vhdx", "-o", "log_size=4M"],
  ["vdi", "vdi", "-o", "static=off"],
  ["vdi", "vdi", "-o", "static=on"],
  ["raw", "raw"],
];

for (const [format, driver, ...args] of VARIANTS) {
  requires("qemu-img")(
    `inspectContainer() accepts ${driver} as qemu-img makes it with "${args.join(" ")}"`,
    async (t) => {
      await using folder = await temporaryFolder();
      const [source, path] = [folder.file("source"), folder.file("image")];
      await writeFile(source, seededDisk("variants", { sizeBytes: 3 * MIB }));
      await run("qemu-img", ["convert", "-f", "raw", "-O", driver, ...args, source, path]);
      const report = await inspectedFile(path, t);
      t.is(report.format, format);
      const { stdout } = await run("qemu-img", ["info", "--output=json", "-f", driver, path]);
      t.is(report.virtualSizeBytes, (JSON.parse(stdout) as Record<string, number>)["virtual-size"]);
    },
  );
}

/** Sizes at which tables are large while files are small. */
for (const [driver, size] of [
  ["qcow2", "0"],
  ["qcow2", "8T"],
  ["vmdk", "1T"],
  ["vpc", "1T"],
  ["vhdx", "10T"],
  ["vdi", "1T"],
] as const) {
  requires("qemu-img")(
    `inspectContainer() accepts an empty ${driver} of ${size} as qemu-img makes it`,
    async (t) => {
      await using folder = await temporaryFolder();
      const path = folder.file("image");
      await run("qemu-img", ["create", "-q", "-f", driver, path, size]);
      await inspectedFile(path, t);
    },
  );
}

async function inspectedFile(path: string, t: ExecutionContext) {
  const context = testContext();
  await using blocks = await fileBlocks(path, context);
  const report = await inspectContainer(await blocksView(blocks, context), { limits: DEFAULT_LIMITS });
  t.deepEqual(brokenRules(report), []);
  t.true(report.readBytes <= MAX_INSPECTION_BYTES, `read ${report.readBytes} bytes`);
  return report;
}

requires("qemu-img")("inspectContainer() tells of snapshots and refuses nothing", async (t) => {
  await using folder = await temporaryFolder();
  const path = folder.file("image");
  await writeFile(path, qcow2Image());
  await run("qemu-img", ["snapshot", "-c", "one", path]);
  const report = await inspectedBytes(await readFile(path));
  t.deepEqual(
    brokenRules(report).map(({ id, severity }) => [id, severity]),
    [["qcow2-snapshots", "warning"]],
  );
  t.notThrows(() => refuseUnsafe("image", report));
});

for (const [name, format, broken] of [
  ["dfvfs-ext2.qcow2", "qcow2", []],
  ["dfvfs-ext2.vhd", "vhd", []],
  ["dfvfs-ext2.vmdk", "vmdk", []],
  ["d2v-zerofilled.vhd.bz2", "vhd", []],
  ["grub_mbr.raw.bz2", "raw", []],
  ["iotest-dynamic-1G.vhdx.bz2", "vhdx", []],
  ["iotest-version3.vmdk.bz2", "vmdk", []],
  ["iotest-dirtylog-10G-4M.vhdx.bz2", "vhdx", ["vhdx-log"]],
  ["simple-pattern.cloop.bz2", "raw", ["known-format"]],
  ["afl9.vmdk.bz2", "vmdk", ["disk-size", "vmdk-header", "vmdk-descriptor-size", "vmdk-tables"]],
] as const) {
  const says = broken.length === 0 ? "accepts" : "refuses";
  requiresShared(`images/${name}`)(
    `inspectContainer() ${says} ${name} of other people's software`,
    async (t) => {
      const packed = await readFile(sharedFile(`images/${name}`));
      const context = testContext();
      const image = name.endsWith(".bz2")
        ? await collect(decompress("bzip2").transform(chunked(packed, packed.byteLength), context))
        : packed;
      const report = await inspectedBytes(image);
      t.is(report.format, format);
      t.deepEqual(
        brokenRules(report).map(({ id }) => id),
        [...broken],
      );
    },
  );
}

for (const name of ["blank.vmdk", "input.vmdk"]) {
  requiresShared(`ovf/${name}`)(`inspectContainer() accepts ${name} of a real export`, async (t) => {
    t.deepEqual(brokenRules(await inspectedBytes(await readFile(sharedFile(`ovf/${name}`)))), []);
  });
}

anyTest(
  "inspectContainer() takes an image for raw where that was declared and nested images are allowed",
  async (t) => {
    const options = { declared: "raw", allowsNested: true } as const;
    for (const image of [qcow2Image(), fixedVhd()]) {
      const report = await inspectedBytes(image, options);
      t.like(report, { format: "raw", virtualSizeBytes: image.byteLength });
      t.deepEqual(brokenRules(report), []);
    }
    t.is(
      brokenRules(await inspectedBytes(qcow2Image(), { allowsNested: true, declared: "vdi" }))[0]?.id,
      "declared-format",
    );
  },
);

anyTest("inspectContainer() refuses a disk one byte over the limit and none at it", async (t) => {
  const at = async (maxImageBytes: number) =>
    await inspectedBytes(qcow2Image(), { limits: { ...DEFAULT_LIMITS, maxImageBytes } });
  t.deepEqual(brokenRules(await at(MIB)), []);
  t.like(brokenRules(await at(MIB - 1))[0], { id: "disk-size", code: "SIZE_EXCEEDED" });
});

anyTest("inspectContainer() says what it could not see of a beginning", async (t) => {
  const report = await inspectContainer(prefixView(qcow2Image().subarray(0, 512)), {
    limits: DEFAULT_LIMITS,
  });
  t.deepEqual(brokenRules(report), []);
  t.true(report.results.some(({ id, outcome }) => id === "qcow2-tables" && outcome === "unseen"));
});

anyTest("refuseUnsafe() names image, finding and remedy, and passes warnings", async (t) => {
  const report = await inspectedBytes(Buffer.from("QED\0".padEnd(512, "\0")));
  const error = await failure(() => refuseUnsafe("a disk", report));
  t.is(error.code, "FORMAT_UNKNOWN");
  t.is(error.message, 'Cannot accept "a disk" as it is QED, which qemu no longer maintains');
  t.is(error.remedy, "Convert it to qcow2 with qemu-img");
});

anyTest(
  "inspectContainer() never throws and reads little of mutated images, and says the same twice",
  async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...GOOD_IMAGES), fc.integer(), async ({ make }, seed) => {
        const image = mutated(make(), seed);
        const report = await inspectedBytes(image);
        t.true(report.readBytes <= MAX_INSPECTION_BYTES);
        t.deepEqual(brokenRules(await inspectedBytes(image)), brokenRules(report));
      }),
      { numRuns },
    );
  },
);

anyTest("inspectContainer() never throws for beginnings of any length", async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...GOOD_IMAGES),
      fc.nat(400_000),
      fc.boolean(),
      async ({ make }, lengthBytes, isWhole) => {
        const prefix = make().subarray(0, lengthBytes);
        const view = prefixView(prefix, isWhole ? prefix.byteLength : undefined);
        await t.notThrowsAsync(inspectContainer(view, { limits: DEFAULT_LIMITS }));
      },
    ),
    { numRuns },
  );
});
