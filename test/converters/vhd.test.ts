import test from "ava";
import { toVhd } from "../../converters/vhd.ts";
import { SOURCE_NODE, conversion } from "../support/conversion.ts";
import { requires } from "../support/requires.ts";

const testQemu = requires("qemu-img", "qemu-nbd");

test("toVhd writes vhd", (t) => t.is(toVhd.to, "vhd"));

for (const subformat of ["dynamic", "fixed"] as const) {
  testQemu(
    `toVhd gives qemu-img this argument list for ${subformat}, and keeps a size that is no CHS geometry`,
    async (t) => {
      const content = Buffer.alloc(100_000_768, "x");
      const { args, info } = await conversion({ format: "vhd", subformat }, content);
      const options = `subformat=${subformat},force_size=on`;
      t.deepEqual(args, ["convert", "-p", "-W", "-O", "vpc", "-o", options, SOURCE_NODE, "RESULT"]);
      t.is(info.virtualSizeBytes, content.byteLength);
    },
  );
}
