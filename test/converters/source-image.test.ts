import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openableImage } from "../../converters/source-image.ts";
import { DEFAULT_LIMITS } from "../../pipeline/context.ts";
import type { DiskFormat } from "../../pipeline/disk-format.ts";
import { qemuImg } from "../../programs/qemu-img.ts";
import { testContext } from "../support/context.ts";
import { failure } from "../support/errors.ts";
import { requires } from "../support/requires.ts";

const testQemu = requires("qemu-img");
const SIZE = 1024 ** 2;

async function created(
  t: { teardown(fn: () => Promise<void>): void },
  format: DiskFormat,
  options: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "diskferry-test-"));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "other"), Buffer.alloc(SIZE, "secret"));
  const path = join(folder, "image");
  const placed = Object.fromEntries(
    Object.entries(options).map(([key, value]) => [key, value.replace("FOLDER", folder)]),
  );
  await qemuImg.create({ path, format, virtualSizeBytes: SIZE }, placed, testContext());
  return path;
}

const UNSAFE: readonly (readonly [string, DiskFormat, Readonly<Record<string, string>>])[] = [
  ["a backing file", "qcow2", { backing_file: "FOLDER/other", backing_fmt: "raw" }],
  ["a data file", "qcow2", { data_file: "FOLDER/data" }],
  ["extents in another file", "vmdk", { subformat: "monolithicFlat" }],
  ["extents in many files", "vmdk", { subformat: "twoGbMaxExtentSparse" }],
];

for (const [what, format, options] of UNSAFE) {
  testQemu(`openableImage() refuses a ${format} with ${what} as IMAGE_UNSAFE`, async (t) => {
    const path = await created(t, format, options);
    const error = await failure(() => openableImage({ path, format }, testContext()));
    t.is(error.code, "IMAGE_UNSAFE");
    t.truthy(error.remedy);
  });
}

testQemu("openableImage() gives what qemu-img says of an image that is whole", async (t) => {
  const path = await created(t, "qcow2", {});
  t.like(await openableImage({ path, format: "qcow2" }, testContext()), {
    virtualSizeBytes: SIZE,
    isCorrupt: false,
  });
});

testQemu("openableImage() fails with SIZE_EXCEEDED from one byte past the limit on", async (t) => {
  const path = await created(t, "qcow2", {});
  const open = (maxImageBytes: number) =>
    openableImage({ path, format: "qcow2" }, testContext({ limits: { ...DEFAULT_LIMITS, maxImageBytes } }));
  await t.notThrowsAsync(open(SIZE));
  t.is((await failure(() => open(SIZE - 1))).code, "SIZE_EXCEEDED");
});

testQemu("openableImage() fails with IMAGE_CORRUPT for an image cut in its header", async (t) => {
  const path = await created(t, "qcow2", {});
  await truncate(path, 100);
  t.is((await failure(() => openableImage({ path, format: "qcow2" }, testContext()))).code, "IMAGE_CORRUPT");
});

testQemu("openableImage() fails with SOURCE_NOT_FOUND, and needs no qemu to know", async (t) => {
  const bare = testContext({ programPath: "/nonexistent" });
  t.is(
    (await failure(() => openableImage({ path: "/nonexistent/x", format: "raw" }, bare))).code,
    "SOURCE_NOT_FOUND",
  );
});
