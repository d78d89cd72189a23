import { readFile, stat } from "node:fs/promises";
import test from "ava";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { scratchFolder } from "../../../pipeline/scratch.ts";
import { scratchDestination } from "../../../stages/destinations/scratch.ts";
import { chunked } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";

const MiB = 1024 * 1024;

test("scratchDestination() stores the bytes with their holes and counts what it was not told of", async (t) => {
  const disk = seededDisk("scratch", { sizeBytes: 3 * MiB + 7 });
  disk.fill(0, MiB);
  await using scratch = scratchFolder();
  await using file = await scratch.reserve("image", 0);
  await using draft = await scratchDestination(file).open(testContext({ scratch }), {});
  await draft.write(chunked(disk));
  const receipt = await draft.commit();
  t.is(receipt.sizeBytes, disk.byteLength);
  t.is(Buffer.compare(await readFile(file.path), disk), 0);
  t.true((await stat(file.path)).blocks * 512 < 2 * MiB);
  t.is(scratch.peakBytes, disk.byteLength);
});

test("scratchDestination() throws SCRATCH_EXCEEDED as soon as the content passes the limit", async (t) => {
  await using scratch = scratchFolder({ limitBytes: 20 * MiB });
  await using file = await scratch.reserve("image", 0);
  await using draft = await scratchDestination(file).open(testContext({ scratch }), {});
  let pulledBytes = 0;
  async function* endless() {
    for (;;) {
      pulledBytes += MiB;
      yield new Uint8Array(MiB);
    }
  }
  t.is((await failure(() => draft.write(endless()))).code, "SCRATCH_EXCEEDED");
  t.true(pulledBytes <= 40 * MiB);
});
