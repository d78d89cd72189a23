import test from "ava";
import { rawDisk } from "../../../fixtures/hostile/good/raw.ts";
import { brokenRules, inspectedBytes } from "../../support/inspected.ts";

const GPT_PROTECTIVE = 0xee;

async function warnings(change: (disk: Buffer) => void): Promise<readonly string[]> {
  const disk = rawDisk();
  change(disk);
  const report = await inspectedBytes(disk);
  if (report.format !== "raw") throw new Error(`Taken for ${report.format}`);
  return brokenRules(report).map(({ id, severity }) => `${severity} ${id}`);
}

test("raw has nothing against a disk with an MBR, with a protective MBR and GPT, or with nothing", async (t) => {
  t.deepEqual(await warnings(() => undefined), []);
  t.deepEqual(
    await warnings((disk) => {
      disk.writeUInt8(GPT_PROTECTIVE, 450);
      disk.write("EFI PART", 512);
    }),
    [],
  );
  t.deepEqual(await warnings((disk) => void disk.fill(0)), []);
});

test("raw warns of a hybrid MBR, also with sectors of 4 KiB", async (t) => {
  for (const at of [512, 4096]) {
    t.deepEqual(await warnings((disk) => void disk.write("EFI PART", at)), ["warning raw-hybrid-mbr"]);
  }
});

test("raw warns of a protective MBR without GPT, and of a GPT without MBR", async (t) => {
  t.deepEqual(await warnings((disk) => void disk.writeUInt8(GPT_PROTECTIVE, 450)), [
    "warning raw-protective-mbr",
  ]);
  t.deepEqual(
    await warnings((disk) => {
      disk.fill(0, 0, 512);
      disk.write("EFI PART", 512);
    }),
    ["warning raw-protective-mbr"],
  );
});
