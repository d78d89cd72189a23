import test from "ava";
import { ATTACKS } from "../../../fixtures/hostile/index.ts";
import { qcow2Image } from "../../../fixtures/hostile/good/qcow2.ts";
import { rawDisk, withMbr } from "../../../fixtures/hostile/good/raw.ts";
import { fixedVhd } from "../../../fixtures/hostile/good/vhd.ts";
import { IDENTITY_RULES } from "../../../validators/container/identity-rules.ts";
import { brokenRules, inspectedBytes } from "../../support/inspected.ts";

test("every rule of identity is the reason for refusing some attack of the corpus", (t) => {
  const tried = new Set(ATTACKS.map(({ rule }) => rule));
  t.deepEqual(
    IDENTITY_RULES.filter(({ id }) => !tried.has(id)),
    [],
  );
});

test("one-format allows what is two things in good faith: a fixed VHD with partitions", async (t) => {
  t.deepEqual(brokenRules(await inspectedBytes(withMbr(fixedVhd()))), []);
});

test("one-format wants an MBR that a BIOS would take: half of one is chance", async (t) => {
  const withSignature = qcow2Image();
  withSignature.writeUInt16LE(0xaa55, 510);
  t.deepEqual(brokenRules(await inspectedBytes(withSignature)), []);
  t.is(brokenRules(await inspectedBytes(withMbr(withSignature)))[0]?.id, "one-format");
});

test("declared-format holds for every format that is what it was declared", async (t) => {
  t.deepEqual(brokenRules(await inspectedBytes(rawDisk(), { declared: "raw" })), []);
  t.deepEqual(brokenRules(await inspectedBytes(qcow2Image(), { declared: "qcow2" })), []);
  t.is(brokenRules(await inspectedBytes(rawDisk(), { declared: "vmdk" }))[0]?.code, "FORMAT_MISMATCH");
});
