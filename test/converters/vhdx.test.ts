import test from "ava";
import { toVhdx } from "../../converters/vhdx.ts";
import { SOURCE_NODE, conversion } from "../support/conversion.ts";
import { requires } from "../support/requires.ts";

const testQemu = requires("qemu-img", "qemu-nbd");

test("toVhdx writes vhdx", (t) => t.is(toVhdx.to, "vhdx"));

for (const subformat of ["dynamic", "fixed"] as const) {
  testQemu(`toVhdx gives qemu-img this argument list for ${subformat}`, async (t) => {
    const { args, info } = await conversion({ format: "vhdx", subformat });
    t.deepEqual(args, [
      "convert",
      "-p",
      "-W",
      "-O",
      "vhdx",
      "-o",
      `subformat=${subformat}`,
      SOURCE_NODE,
      "RESULT",
    ]);
    t.is(info.virtualSizeBytes, 65_536);
  });
}
