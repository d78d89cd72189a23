import test from "ava";
import { dynamicVhd, vhdFooter } from "../../../fixtures/hostile/good/vhd.ts";
import { brokenRules, inspectedBytes, untriedRules } from "../../support/inspected.ts";

test("every rule of vhd that refuses is the reason for refusing some attack of the corpus", (t) => {
  t.deepEqual(untriedRules("vhd"), []);
});

test("vhd-footer allows a copy that was written at another time", async (t) => {
  const earlier = vhdFooter(3, (footer) => footer.writeUInt32BE(7, 24));
  t.deepEqual(brokenRules(await inspectedBytes(dynamicVhd(vhdFooter(3), undefined, earlier))), []);
});

test("vhd-geometry warns where sizes differ by more than a geometry rounds", async (t) => {
  const footer = vhdFooter(2, (footer) => {
    footer.write("vpc ", 28, "latin1");
    footer.writeUInt16BE(1, 56);
  });
  const far = Buffer.concat([
    Buffer.alloc(128 * 1024 ** 2),
    vhdFooter(2, (one) => {
      footer.copy(one);
      one.writeBigUInt64BE(BigInt(128 * 1024 ** 2), 48);
    }),
  ]);
  t.deepEqual(
    brokenRules(await inspectedBytes(far)).map(({ id, severity }) => `${severity} ${id}`),
    ["warning vhd-geometry"],
  );
});
