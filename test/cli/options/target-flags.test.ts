import test from "ava";
import { parseTargetFlags, type TargetFlags } from "../../../cli/options/target-flags.ts";
import { DISK_FORMATS, parseDiskFormat } from "../../../pipeline/disk-format.ts";
import { parseLocation } from "../../../worker/location.ts";
import { failure } from "../../support/errors.ts";

const plain = parseLocation("disk");

test("parseTargetFlags() leaves the format to the name of the destination where no flag says it", (t) => {
  t.deepEqual(parseTargetFlags({}, parseLocation("a.qcow2")), { overwrite: false });
  t.deepEqual(parseTargetFlags({ force: true }, plain), { overwrite: true });
});

test("parseTargetFlags() takes every format, with --to before the name of the destination", (t) => {
  const formats = Object.keys(DISK_FORMATS).map(parseDiskFormat);
  t.true(formats.length >= 6);
  for (const format of formats) {
    if (format === undefined) return t.fail();
    t.deepEqual(parseTargetFlags({ to: format }, parseLocation("a.qcow2")), {
      overwrite: false,
      to: { format },
    });
  }
  return t.pass();
});

/** Which flags each format has: what is not listed must be refused. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  raw: [],
  qcow2: ["clusterSize", "zlib", "zstd", "true"],
  vmdk: ["monolithicSparse", "streamOptimized", "zlib", "true"],
  vhd: ["dynamic", "fixed"],
  vhdx: ["dynamic", "fixed"],
  vdi: ["dynamic", "fixed"],
};

const FLAGS: readonly (readonly [name: string, flags: TargetFlags])[] = [
  ["clusterSize", { clusterSize: 65_536 }],
  ["zlib", { compress: "zlib" }],
  ["zstd", { compress: "zstd" }],
  ["true", { compress: true }],
  ["monolithicSparse", { subformat: "monolithicSparse" }],
  ["streamOptimized", { subformat: "streamOptimized" }],
  ["dynamic", { subformat: "dynamic" }],
  ["fixed", { subformat: "fixed" }],
];

for (const [name, allowed] of Object.entries(ALLOWED)) {
  for (const [flag, flags] of FLAGS) {
    const isAllowed = allowed.includes(flag);
    test(`parseTargetFlags() ${isAllowed ? "takes" : "refuses"} ${flag} with ${name}`, async (t) => {
      const to = parseDiskFormat(name)!;
      const call = () => parseTargetFlags({ ...flags, to }, plain);
      if (isAllowed) t.like(call(), { to: { format: to } });
      else t.is((await failure(call)).code, "ARGUMENT_INVALID");
    });
  }
}
