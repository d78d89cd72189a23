import test from "ava";
import { toRaw } from "../../converters/raw.ts";
import { SOURCE_NODE, conversion } from "../support/conversion.ts";
import { requires } from "../support/requires.ts";

const testQemu = requires("qemu-img", "qemu-nbd");

test("toRaw writes raw", (t) => t.is(toRaw.to, "raw"));

testQemu("toRaw gives qemu-img this argument list", async (t) => {
  const { args, info } = await conversion({ format: "raw" });
  t.deepEqual(args, ["convert", "-p", "-W", "-O", "raw", SOURCE_NODE, "RESULT"]);
  t.is(info.virtualSizeBytes, 65_536);
});
