import test from "ava";
import { CLUSTER_BYTES, QCOW2_CLUSTERS, qcow2Image } from "../../fixtures/hostile/good/qcow2.ts";
import { mkdtemp, readdir, rm, stat, truncate, watch, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededDisk } from "../../fixtures/seeded.ts";
import { convertArgs, qemuImg } from "../../programs/qemu-img.ts";
import { startProgram } from "../../programs/process.ts";
import { testContext } from "../support/context.ts";
import { failure } from "../support/errors.ts";
import { requires } from "../support/requires.ts";

const testQemu = requires("qemu-img");
const SIZE = 4 * 1024 ** 2;

async function prepared(t: { teardown(fn: () => Promise<void>): void }) {
  const folder = await mkdtemp(join(tmpdir(), "diskferry-test-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const raw = { path: join(folder, "raw"), format: "raw" } as const;
  await writeFile(raw.path, seededDisk("qemu-img", { sizeBytes: SIZE }));
  return { folder, raw, qcow2: { path: join(folder, "qcow2"), format: "qcow2" } as const };
}

test("convertArgs() gives explicit formats and absolute paths, and options in the order of the manual", (t) => {
  const args = convertArgs({
    from: { path: "/from", format: "qcow2" },
    to: { path: "/to", format: "vhd" },
    options: { subformat: "fixed", force_size: "on" },
    compress: true,
    outOfOrder: true,
    toExisting: true,
    virtualSizeBytes: 0,
  });
  const node = `json:{"driver":"qcow2","backing":null,"file":{"driver":"file","filename":"/from"}}`;
  t.deepEqual(args, [
    "-p",
    "-W",
    "-c",
    "-n",
    "-O",
    "vpc",
    "-o",
    "subformat=fixed,force_size=on",
    node,
    "/to",
  ]);
});

testQemu(
  "convert() copies a disk and tells how far it is; compare() and check() find it the same and sound",
  async (t) => {
    const { raw, qcow2 } = await prepared(t);
    const fractions: number[] = [];
    await qemuImg.convert({ from: raw, to: qcow2, virtualSizeBytes: SIZE }, testContext(), (f) =>
      fractions.push(f),
    );
    t.is(fractions.at(-1), 1);
    t.true(await qemuImg.compare(raw, qcow2, testContext()));
    t.deepEqual(await qemuImg.check(qcow2, testContext()), {
      errorCount: 0,
      leakCount: 0,
      corruptionCount: 0,
    });
    t.is((await qemuImg.info(qcow2, testContext())).virtualSizeBytes, SIZE);
  },
);

testQemu("compare() tells one differing byte", async (t) => {
  const { raw, qcow2 } = await prepared(t);
  await qemuImg.convert({ from: raw, to: qcow2, virtualSizeBytes: SIZE }, testContext());
  const other = seededDisk("qemu-img", { sizeBytes: SIZE });
  other[SIZE - 1] = 1;
  await writeFile(raw.path, other);
  t.false(await qemuImg.compare(raw, qcow2, testContext()));
});

testQemu("measure() tells exactly what a qcow2 takes", async (t) => {
  const { raw, qcow2 } = await prepared(t);
  const { requiredBytes, fullyAllocatedBytes } = await qemuImg.measure(
    raw,
    { format: "qcow2" },
    testContext(),
  );
  await qemuImg.convert({ from: raw, to: qcow2, virtualSizeBytes: SIZE }, testContext());
  const { size } = await stat(qcow2.path);
  t.true(
    size <= requiredBytes && requiredBytes <= fullyAllocatedBytes,
    `${size}, ${requiredBytes}, ${fullyAllocatedBytes}`,
  );
});

testQemu("check() counts corruptions", async (t) => {
  const { raw, qcow2 } = await prepared(t);
  await qemuImg.convert({ from: raw, to: qcow2, virtualSizeBytes: SIZE }, testContext());
  await truncate(qcow2.path, (await stat(qcow2.path)).size - 2 * 65_536);
  t.true((await qemuImg.check(qcow2, testContext())).corruptionCount > 0);
});

testQemu("repair() mends tables in place, so that check() finds nothing any more", async (t) => {
  const { qcow2 } = await prepared(t);
  const image = qcow2Image();
  image.writeUInt16BE(0, QCOW2_CLUSTERS.refcountBlock * CLUSTER_BYTES + QCOW2_CLUSTERS.data * 2);
  await writeFile(qcow2.path, image);
  t.true((await qemuImg.check(qcow2, testContext())).corruptionCount > 0);
  await qemuImg.repair(qcow2, testContext());
  t.like(await qemuImg.check(qcow2, testContext()), { corruptionCount: 0, errorCount: 0 });
});

testQemu(
  "convert() fails with SIZE_EXCEEDED when the result grows past what the disk can need",
  async (t) => {
    const { folder } = await prepared(t);
    const large = { path: join(folder, "large"), format: "raw" } as const;
    await writeFile(large.path, "");
    await truncate(large.path, 2 * 1024 ** 3);
    const spec = {
      from: large,
      to: { path: join(folder, "result"), format: "raw" },
      virtualSizeBytes: SIZE,
    } as const;
    t.is((await failure(() => qemuImg.convert(spec, testContext()))).code, "SIZE_EXCEEDED");
  },
);

testQemu("create() makes an empty image", async (t) => {
  const { folder, qcow2 } = await prepared(t);
  await qemuImg.create({ ...qcow2, virtualSizeBytes: 1024 ** 4 }, { cluster_size: "1M" }, testContext());
  t.is((await qemuImg.info(qcow2, testContext())).virtualSizeBytes, 1024 ** 4);
  t.deepEqual((await readdir(folder)).sort(), ["qcow2", "raw"]);
});

requires("qemu-img", "qemu-nbd")(
  "info() fails with SOURCE_UNSUITABLE for an image that another process writes to",
  async (t) => {
    const { folder, qcow2 } = await prepared(t);
    await qemuImg.create({ ...qcow2, virtualSizeBytes: SIZE }, {}, testContext());
    const writable = ["--persistent", `--socket=${join(folder, "socket")}`, "--format=qcow2", qcow2.path];
    const stop = new AbortController();
    const changes = watch(folder, { signal: stop.signal })[Symbol.asyncIterator]();
    const spec = { program: "qemu-nbd", debianPackage: "qemu-utils", args: writable, timeoutMs: 60_000 };
    const served = changes.next(); // the socket is made after the image has been opened and locked
    await using writer = await startProgram(spec, testContext());
    await Promise.race([served, writer.exited]);
    stop.abort();
    t.is((await failure(() => qemuImg.info(qcow2, testContext()))).code, "SOURCE_UNSUITABLE");
  },
);
