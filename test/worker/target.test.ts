import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { parseLocation } from "../../worker/location.ts";
import { resolveTarget } from "../../worker/target.ts";
import { localAccess, temporaryFolder } from "../support/conversions.ts";
import { failure } from "../support/errors.ts";

const target = (text: string, options = {}) => resolveTarget(parseLocation(text), options, localAccess());

for (const [text, kind, format, beside] of [
  ["out.qcow2", "file", "qcow2", "out.qcow2.x"],
  ["out.VMDK", "file", "vmdk", "out.VMDK.x"],
  ["folder/out.img", "file", "raw", "folder/out.img.x"],
  ["out.vpc", "file", "vhd", "out.vpc.x"],
  ["s3://bucket/key.vhdx", "object", "vhdx", "s3://bucket/key.vhdx.x"],
  ["-", "pipe", "raw", undefined],
] as const) {
  test(`resolveTarget() takes ${text} for a ${kind} of ${format}`, async (t) => {
    const found = await target(text);
    t.like(found, { kind, format: { format } });
    t.is(found.beside?.(".x").name, beside);
  });
}

test("resolveTarget() prefers the format that is asked for", async (t) => {
  t.deepEqual((await target("out.qcow2", { to: { format: "vdi" } })).format, { format: "vdi" });
});

for (const text of ["out", "out.iso", "s3://bucket/disk", "https://host/disk.raw"]) {
  test(`resolveTarget() refuses ${text} with ARGUMENT_INVALID and what to do`, async (t) => {
    const error = await failure(() => target(text));
    t.is(error.code, "ARGUMENT_INVALID");
    t.truthy(error.remedy);
  });
}

test("resolveTarget() takes a file that is there for a file", async (t) => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "disk.raw");
  await writeFile(path, "x");
  t.is((await target(path)).kind, "file");
});
