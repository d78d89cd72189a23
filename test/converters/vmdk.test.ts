import test from "ava";
import { toVmdk } from "../../converters/vmdk.ts";
import { SOURCE_NODE, conversion } from "../support/conversion.ts";
import { requires } from "../support/requires.ts";

const testQemu = requires("qemu-img", "qemu-nbd");

test("toVmdk writes vmdk", (t) => t.is(toVmdk.to, "vmdk"));

for (const [subformat, flags] of [
  ["monolithicSparse", ["-W"]],
  // A stream is written in order: qemu-img refuses -W with it.
  ["streamOptimized", []],
] as const) {
  testQemu(`toVmdk gives qemu-img this argument list for ${subformat}`, async (t) => {
    const { args, info } = await conversion({ format: "vmdk", subformat });
    const wanted = [
      "convert",
      "-p",
      ...flags,
      "-O",
      "vmdk",
      "-o",
      `subformat=${subformat}`,
      SOURCE_NODE,
      "RESULT",
    ];
    t.deepEqual(args, wanted);
    t.is(info.createType, subformat);
  });
}
