import test from "ava";
import fc from "fast-check";
import { ImportError } from "../../pipeline/errors.ts";
import { parseCheck, parseInfo, parseMeasure } from "../../programs/qemu-reports.ts";

const PROPERTY_RUNS = Number(process.env.PROPERTY_RUNS ?? 100);

test("parseInfo() reads what qemu-img 7.2 says of a qcow2 with backing and data file", (t) => {
  const info = parseInfo(`{
    "backing-filename-format": "raw", "virtual-size": 1048576, "filename": "b.qcow2", "cluster-size": 65536,
    "format": "qcow2", "actual-size": 200704, "full-backing-filename": "/full/b.raw", "backing-filename": "b.raw",
    "format-specific": {"type": "qcow2", "data": {"compat": "1.1", "data-file": "d.raw", "corrupt": true}},
    "encrypted": true, "dirty-flag": true}`);
  t.deepEqual(info, {
    virtualSizeBytes: 1_048_576,
    allocatedBytes: 200_704,
    backingFile: "/full/b.raw",
    dataFile: "d.raw",
    isEncrypted: true,
    isDirty: true,
    isCorrupt: true,
  });
});

test("parseInfo() reads the type of a VMDK, and leaves out what is not there", (t) => {
  const info = parseInfo(
    `{"virtual-size": 512, "format-specific": {"type": "vmdk", "data": {"create-type": "vmfs"}}}`,
  );
  t.deepEqual(info, {
    virtualSizeBytes: 512,
    allocatedBytes: 0,
    createType: "vmfs",
    isEncrypted: false,
    isDirty: false,
    isCorrupt: false,
  });
});

test("parseMeasure() and parseCheck() read what qemu-img 7.2 says", (t) => {
  t.deepEqual(parseMeasure(`{"bitmaps": 0, "required": 524288, "fully-allocated": 4521984}`), {
    requiredBytes: 524_288,
    fullyAllocatedBytes: 4_521_984,
  });
  t.deepEqual(parseCheck(`{"check-errors": 0, "leaks": 2, "corruptions": 1, "format": "qcow2"}`), {
    errorCount: 0,
    leakCount: 2,
    corruptionCount: 1,
  });
});

for (const [name, parse] of Object.entries({ parseInfo, parseMeasure, parseCheck })) {
  test(`${name}() throws nothing but PROGRAM_FAILED, whatever it reads`, (t) => {
    const keys = fc.constantFrom(
      "virtual-size",
      "actual-size",
      "required",
      "fully-allocated",
      "leaks",
      "format-specific",
    );
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.dictionary(keys, fc.jsonValue()).map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(text, (json) => {
        try {
          t.is(typeof parse(json), "object");
        } catch (error) {
          if (!(error instanceof ImportError)) throw error;
          t.is(error.code, "PROGRAM_FAILED");
        }
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
}
