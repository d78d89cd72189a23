import { writeFile } from "node:fs/promises";
import test from "ava";
import { qcow2Image, withBackingFile } from "../../fixtures/hostile/good/qcow2.ts";
import { rawDisk } from "../../fixtures/hostile/good/raw.ts";
import { fixedVhd } from "../../fixtures/hostile/good/vhd.ts";
import { refuseUnsafeFile } from "../../worker/inspect-file.ts";
import { testContext } from "../support/context.ts";
import { failure } from "../support/errors.ts";
import { temporaryFolder } from "../support/folder.ts";

test("refuseUnsafeFile() names the image as it is told to, and passes good ones", async (t) => {
  await using folder = await temporaryFolder();
  const path = folder.file("image");
  await writeFile(path, withBackingFile(qcow2Image(), "/etc/passwd"));
  const error = await failure(() =>
    refuseUnsafeFile({ path, format: "qcow2" }, { name: "s3://b/k" }, testContext()),
  );
  t.is(error.code, "IMAGE_UNSAFE");
  t.regex(error.message, /^Cannot accept "s3:\/\/b\/k" as .*"\/etc\/passwd"$/);
  await writeFile(path, qcow2Image());
  await t.notThrowsAsync(refuseUnsafeFile({ path, format: "qcow2" }, {}, testContext()));
  t.is(
    (await failure(() => refuseUnsafeFile({ path, format: "raw" }, {}, testContext()))).code,
    "FORMAT_MISMATCH",
  );
  await t.notThrowsAsync(refuseUnsafeFile({ path, format: "raw" }, { allowsNested: true }, testContext()));
});

test("refuseUnsafeFile() does not look behind a disk of stated size: an old footer may stand there", async (t) => {
  await using folder = await temporaryFolder();
  const path = folder.file("device");
  await writeFile(path, Buffer.concat([rawDisk(), fixedVhd()]));
  const image = { path, format: "raw" } as const;
  t.is((await failure(() => refuseUnsafeFile(image, {}, testContext()))).code, "FORMAT_MISMATCH");
  await t.notThrowsAsync(refuseUnsafeFile({ ...image, sizeBytes: rawDisk().byteLength }, {}, testContext()));
});

test("refuseUnsafeFile() throws what is wrong with the path", async (t) => {
  const missing = { path: "/nowhere/image", format: "raw" } as const;
  t.is((await failure(() => refuseUnsafeFile(missing, {}, testContext()))).code, "SOURCE_NOT_FOUND");
});
