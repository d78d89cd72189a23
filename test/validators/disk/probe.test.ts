import test from "ava";
import { facts, hasMark, paddedText } from "../../../validators/disk/probe.ts";

test("facts() leaves out what is empty, all zeroes or no safe size", (t) => {
  const zeroes = "00000000-0000-0000-0000-000000000000";
  t.deepEqual(facts("x", { label: "", uuid: zeroes, sizeBytes: 0 }), { type: "x" });
  t.deepEqual(facts("x", { sizeBytes: 2n ** 60n }), { type: "x" });
  t.deepEqual(facts("x", { label: "l", uuid: "1-2", sizeBytes: 512n }), {
    type: "x",
    label: "l",
    uuid: "1-2",
    sizeBytes: 512,
  });
});

test("paddedText() ends at the first zero byte and drops spaces behind", (t) => {
  const head = Buffer.from("..name\0junk..disk  ..");
  t.is(paddedText(head, 2, 9), "name");
  t.is(paddedText(head, 13, 6), "disk");
});

test("hasMark() compares bytes, also beyond ASCII and beyond the end", (t) => {
  const head = Buffer.from([0, 0xba, 0xbe]);
  t.true(hasMark(head, 1, "\xba\xbe"));
  t.false(hasMark(head, 2, "\xba\xbe"));
});
