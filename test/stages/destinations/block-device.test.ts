import { execFileSync, spawnSync } from "node:child_process";
import { open, readFile, stat, truncate, writeFile } from "node:fs/promises";
import test from "ava";
import { seededBytes } from "../../../fixtures/seeded.ts";
import { hasFastZeroes } from "../../../stages/block-device-size.ts";
import { blockDeviceDestination, HEAD_BYTES } from "../../../stages/destinations/block-device.ts";
import { zeroDevice } from "../../../programs/blkdiscard.ts";
import { fileSource } from "../../../stages/sources/file.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { temporaryFolder } from "../../support/folder.ts";

const DEVICE_BYTES = 8 * 1024 * 1024;

/** Loop devices need root and a kernel that has them; a machine without cannot run these tests, in CI either. */
const loops = spawnSync("losetup", ["-f"]).status === 0 && process.getuid?.() === 0;
const withLoop = loops ? test.serial : test.skip;

interface Loop extends AsyncDisposable {
  readonly path: string;
  readonly backing: string;
}

/** A device of {@link DEVICE_BYTES} that is full of old data. */
async function loopDevice(): Promise<Loop> {
  const folder = await temporaryFolder();
  const backing = folder.file("backing");
  await writeFile(backing, Buffer.alloc(DEVICE_BYTES, "old data"));
  const path = execFileSync("losetup", ["-f", "--show", backing], { encoding: "utf8" }).trim();
  return {
    path,
    backing,
    async [Symbol.asyncDispose]() {
      execFileSync("losetup", ["-d", path]);
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function deviceContent(path: string): Promise<Buffer> {
  return collect(fileSource(path).bytes(testContext()));
}

for (const lengthBytes of [0, 512, HEAD_BYTES - 512, HEAD_BYTES, HEAD_BYTES + 512, DEVICE_BYTES]) {
  withLoop(`blockDeviceDestination() writes ${lengthBytes} bytes, and zeroes over old data`, async (t) => {
    await using loop = await loopDevice();
    const content = seededBytes("device", lengthBytes);
    content.subarray(2 * 1024 * 1024, 3 * 1024 * 1024).fill(0);
    await using draft = await blockDeviceDestination(loop.path).open(testContext(), {
      sizeBytes: lengthBytes,
    });
    await draft.write(chunked(content, 100_000));
    t.is((await draft.commit()).sizeBytes, lengthBytes);
    const found = await deviceContent(loop.path);
    t.is(found.byteLength, DEVICE_BYTES);
    t.true(found.subarray(0, lengthBytes).equals(content));
    const behind = Math.max(lengthBytes, HEAD_BYTES);
    t.true(found.subarray(behind).equals(Buffer.alloc(DEVICE_BYTES, "old data").subarray(behind)));
  });
}

withLoop("blockDeviceDestination() leaves a cleared head when it is discarded half-way", async (t) => {
  await using loop = await loopDevice();
  {
    await using draft = await blockDeviceDestination(loop.path).open(testContext(), {});
    await draft.write(chunked(seededBytes("device", 4 * 1024 * 1024)));
  }
  t.true((await deviceContent(loop.path)).subarray(0, HEAD_BYTES).equals(Buffer.alloc(HEAD_BYTES)));
});

withLoop(
  "open() throws DESTINATION_TOO_SMALL before anything is written, at one byte too many",
  async (t) => {
    await using loop = await loopDevice();
    const destination = blockDeviceDestination(loop.path);
    const error = await failure(() => destination.open(testContext(), { sizeBytes: DEVICE_BYTES + 1 }));
    t.is(error.code, "DESTINATION_TOO_SMALL");
    t.true((await readFile(loop.backing)).equals(Buffer.alloc(DEVICE_BYTES, "old data")));
  },
);

withLoop("write() throws DESTINATION_TOO_SMALL when the size was not known beforehand", async (t) => {
  await using loop = await loopDevice();
  await using draft = await blockDeviceDestination(loop.path).open(testContext(), {});
  const content = seededBytes("device", DEVICE_BYTES + 512);
  t.is((await failure(() => draft.write(chunked(content)))).code, "DESTINATION_TOO_SMALL");
});

withLoop("open() throws DESTINATION_FORBIDDEN for a device that is in use", async (t) => {
  await using loop = await loopDevice();
  await using held = await blockDeviceDestination(loop.path).open(testContext(), {});
  const error = await failure(() => blockDeviceDestination(loop.path).open(testContext(), {}));
  t.is(error.code, "DESTINATION_FORBIDDEN");
  t.regex(error.remedy!, /Unmount/);
  t.truthy(held);
});

for (const [what, answers, sizeBytes, askedBytes] of [
  ["that makes zeroes", true, DEVICE_BYTES - 4096, [DEVICE_BYTES - 4096]],
  ["that refuses to make zeroes", false, DEVICE_BYTES - 4096, [DEVICE_BYTES - 4096]],
  ["for an image that ends within a block", true, DEVICE_BYTES - 512, []],
] as const) {
  withLoop(`blockDeviceDestination() leaves the right content on a device ${what}`, async (t) => {
    await using loop = await loopDevice();
    const asked: number[] = [];
    const zeroRange = (path: string, lengthBytes: number) => {
      asked.push(lengthBytes);
      return answers ? zeroDevice(path, lengthBytes, testContext()) : Promise.resolve(false);
    };
    t.true(await hasFastZeroes((await stat(loop.path, { bigint: true })).rdev));
    const content = Buffer.alloc(sizeBytes);
    content.fill("new", 5_000_000, 5_100_000);
    const destination = blockDeviceDestination(loop.path, { zeroRange });
    await using draft = await destination.open(testContext(), { sizeBytes });
    await draft.write(chunked(content));
    await draft.commit();
    t.deepEqual(asked, askedBytes);
    const found = await deviceContent(loop.path);
    t.true(found.subarray(0, sizeBytes).equals(content));
    t.true(found.subarray(sizeBytes).equals(Buffer.alloc(DEVICE_BYTES, "old data").subarray(sizeBytes)));
  });
}

withLoop("fileSource() knows the size of a device", async (t) => {
  await using loop = await loopDevice();
  t.is((await fileSource(loop.path).facts(testContext())).sizeBytes, DEVICE_BYTES);
});

test("blockDeviceDestination() throws ARGUMENT_INVALID for a file and DESTINATION_NOT_FOUND for nothing", async (t) => {
  await using folder = await temporaryFolder();
  await (await open(folder.file("file"), "w")).close();
  await truncate(folder.file("file"), 10);
  const open1 = failure(() => blockDeviceDestination(folder.file("file")).open(testContext(), {}));
  t.is((await open1).code, "ARGUMENT_INVALID");
  const open2 = failure(() => blockDeviceDestination(folder.file("none")).open(testContext(), {}));
  t.is((await open2).code, "DESTINATION_NOT_FOUND");
  t.is((await stat(folder.file("file"))).size, 10);
});
