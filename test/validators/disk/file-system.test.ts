import test from "ava";
import fc from "fast-check";
import { identifyFileSystem } from "../../../validators/disk/file-system.ts";
import { memoryBlocks } from "../../support/blocks.ts";
import { testContext } from "../../support/context.ts";

const MIB = 1024 * 1024;

test("identifyFileSystem() finds nothing in zeroes, in random bytes and outside the disk", async (t) => {
  const context = testContext();
  const zeroes = memoryBlocks(Buffer.alloc(MIB));
  t.is(await identifyFileSystem(zeroes, 0, MIB, context), undefined);
  t.is(await identifyFileSystem(zeroes, MIB, 512, context), undefined);
  t.is(await identifyFileSystem(zeroes, MIB * 5, MIB, context), undefined);
  t.is(await identifyFileSystem(zeroes, 0, 0, context), undefined);
});

test("identifyFileSystem() reads no further than 68 KiB and the volume's end", async (t) => {
  const disk = Buffer.alloc(4 * MIB);
  const blocks = memoryBlocks(disk);
  await identifyFileSystem(blocks, MIB, 3 * MIB, testContext());
  await identifyFileSystem(blocks, 4 * MIB - 512, MIB, testContext());
  await identifyFileSystem(blocks, MIB, 1024, testContext());
  t.deepEqual(
    blocks.reads.map(({ offset, length }) => offset + length),
    [MIB + 68 * 1024, 4 * MIB, MIB + 1024],
  );
});

test("identifyFileSystem() throws nothing, whatever the bytes are", async (t) => {
  const marks = ["XFSB", "LUKS\xba\xbe", "LABELONE", "NTFS    ", "EXFAT   ", "hsqs", "\xeb<\x90"];
  const offsets = [0, 3, 24, 512, 1024 + 56, 4086, 32_768, 65_600];
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 2048 }),
      fc.constantFrom(...marks),
      fc.constantFrom(...offsets),
      async (noise, mark, at) => {
        const disk = Buffer.alloc(70_000);
        for (let from = 0; from < disk.byteLength; from += noise.byteLength)
          disk.set(noise.subarray(0, disk.byteLength - from), from);
        disk.write(mark, at, "latin1");
        await identifyFileSystem(memoryBlocks(disk), 0, disk.byteLength, testContext());
      },
    ),
    { numRuns: Number(process.env.PROPERTY_RUNS ?? 200) },
  );
  t.pass();
});
