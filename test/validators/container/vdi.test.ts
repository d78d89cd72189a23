import test from "ava";
import { vdiImage } from "../../../fixtures/hostile/good/vdi.ts";
import { brokenRules, inspectedBytes, untriedRules } from "../../support/inspected.ts";

test("every rule of vdi that refuses is the reason for refusing some attack of the corpus", (t) => {
  t.deepEqual(untriedRules("vdi"), []);
});

test("vdi accepts bytes behind its last block, and misses one byte of it", async (t) => {
  const image = vdiImage();
  t.deepEqual(brokenRules(await inspectedBytes(Buffer.concat([image, Buffer.alloc(1)]))), []);
  const [broken] = brokenRules(await inspectedBytes(image.subarray(0, -1)));
  t.is(broken?.id, "vdi-length");
});
