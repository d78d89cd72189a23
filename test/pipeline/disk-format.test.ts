import test from "ava";
import { DISK_FORMATS, FORMAT_NAMES, parseDiskFormat, wholeSectors } from "../../pipeline/disk-format.ts";

test("parseDiskFormat() reads names, aliases, case and a leading dot", (t) => {
  for (const format of FORMAT_NAMES) {
    t.is(parseDiskFormat(format), format);
    t.is(parseDiskFormat(` .${format.toUpperCase()} `), format);
    for (const alias of DISK_FORMATS[format].aliases) t.is(parseDiskFormat(alias), format);
  }
  t.is(parseDiskFormat("vpc"), "vhd");
});

test("parseDiskFormat() gives undefined for anything else", (t) => {
  for (const text of ["", "raws", "qcow3", "__proto__", "constructor", "vhd,x"])
    t.is(parseDiskFormat(text), undefined);
});

test("DISK_FORMATS has no spelling twice", (t) => {
  const spellings = FORMAT_NAMES.flatMap((format) => [format, ...DISK_FORMATS[format].aliases]);
  t.is(new Set(spellings).size, spellings.length);
  t.true(spellings.length > 6);
});

test("wholeSectors() rounds up", (t) => {
  t.deepEqual([0, 1, 511, 512, 513].map(wholeSectors), [0, 512, 512, 512, 1024]);
});
