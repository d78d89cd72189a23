import test from "ava";
import { toVdi } from "../../converters/vdi.ts";
import { SOURCE_NODE, conversion } from "../support/conversion.ts";
import { requires } from "../support/requires.ts";

const testQemu = requires("qemu-img", "qemu-nbd");

test("toVdi writes vdi", (t) => t.is(toVdi.to, "vdi"));

for (const [subformat, flag] of [
  ["dynamic", "off"],
  ["fixed", "on"],
] as const) {
  testQemu(`toVdi gives qemu-img this argument list for ${subformat}`, async (t) => {
    const { args, info } = await conversion({ format: "vdi", subformat });
    t.deepEqual(args, ["convert", "-p", "-W", "-O", "vdi", "-o", `static=${flag}`, SOURCE_NODE, "RESULT"]);
    t.is(info.virtualSizeBytes, 65_536);
  });
}
