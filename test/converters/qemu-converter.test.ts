import test from "ava";
import { qemuConverter } from "../../converters/qemu-converter.ts";
import { testContext } from "../support/context.ts";
import { fakePrograms } from "../support/fake-programs.ts";
import { requires } from "../support/requires.ts";

const converter = qemuConverter<{ readonly format: "vdi" }>({
  to: "vdi",
  maxVirtualSizeBytes: 1024,
  worstCaseBytes: (sizeBytes) => sizeBytes,
  encode: () => ({ outOfOrder: true }),
});
const facts = { from: "raw", to: { format: "vdi" } } as const;

requires("qemu-img", "qemu-nbd")(
  "accepts() takes a disk of the limit, and one of unknown size",
  async (t) => {
    const accepted = { isAccepted: true } as const;
    t.deepEqual(await converter.accepts(facts, testContext()), accepted);
    t.deepEqual(await converter.accepts({ ...facts, virtualSizeBytes: 1024 }, testContext()), accepted);
  },
);

test("accepts() refuses a byte past the limit with the limit in words", async (t) => {
  t.deepEqual(await converter.accepts({ ...facts, virtualSizeBytes: 1025 }, testContext()), {
    isAccepted: false,
    code: "PLAN_IMPOSSIBLE",
    reason: "a vdi image holds at most 1 KiB and the disk has 1 KiB",
    remedy: "Choose a format for larger disks, such as qcow2",
  });
});

test("accepts() names the program that is missing", async (t) => {
  const programPath = fakePrograms("killed-in-convert").split(":")[0] ?? "";
  t.like(await converter.accepts(facts, testContext({ programPath })), {
    isAccepted: false,
    code: "PROGRAM_MISSING",
    reason: `"qemu-nbd" is not installed`,
  });
});
