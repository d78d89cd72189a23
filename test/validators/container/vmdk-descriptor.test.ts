import test from "ava";
import fc from "fast-check";
import { entryOf, parseVmdkDescriptor } from "../../../validators/container/vmdk-descriptor.ts";

const parse = (text: string) => parseVmdkDescriptor(Buffer.from(text, "latin1"));

test("parseVmdkDescriptor() splits entries, extents and lines that are neither", (t) => {
  const descriptor = parse(
    '# c\nversion=1\r\nCID=12 \nddb.uuid = "60 00"\nRW 12 SPARSE "a b.vmdk"\nRDONLY 7 FLAT "x" 0\nwhat?\n',
  );
  t.deepEqual(descriptor.entries, [
    ["version", "1"],
    ["CID", "12"],
    ["ddb.uuid", "60 00"],
  ]);
  t.deepEqual(descriptor.extents, [
    { access: "RW", sectorCount: 12, type: "SPARSE", place: '"a b.vmdk"' },
    { access: "RDONLY", sectorCount: 7, type: "FLAT", place: '"x" 0' },
  ]);
  t.deepEqual(descriptor.strangeLines, ["what?"]);
  t.is(entryOf(descriptor, "cid"), "12");
  t.is(entryOf(descriptor, "none"), undefined);
});

test("parseVmdkDescriptor() counts types in comments and in any case, as programs search for them", (t) => {
  t.is(parse('#createType="a"\nCREATETYPE="b"\n').createTypeCount, 2);
  t.is(parse("").createTypeCount, 0);
});

test("parseVmdkDescriptor() ends at the first zero and says when there is more", (t) => {
  t.false(parse("a=1\0\0\0").hasHiddenText);
  const hidden = parse("a=1\0\0b=2");
  t.true(hidden.hasHiddenText);
  t.is(entryOf(hidden, "b"), undefined);
});

test("parseVmdkDescriptor() never throws, and no line is lost", (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: fc.constantFrom("R", "W", " ", "1", "=", '"', "a", "#", "\t") })),
      (lines) => {
        const { entries, extents, strangeLines } = parse(lines.join("\n"));
        const meaningful = lines
          .map((line) => line.trim())
          .filter((line) => line !== "" && !line.startsWith("#"));
        t.is(entries.length + extents.length + strangeLines.length, meaningful.length);
      },
    ),
    { numRuns: Number(process.env.PROPERTY_RUNS ?? 200) },
  );
});
