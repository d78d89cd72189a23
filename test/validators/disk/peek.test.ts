import test from "ava";
import { ImportError } from "../../../pipeline/errors.ts";
import { peek } from "../../../validators/disk/peek.ts";
import { memoryBlocks } from "../../support/blocks.ts";
import { testContext } from "../../support/context.ts";

const DISK = Buffer.from("0123456789");

test("peek() gives less at the end of the disk and nothing outside it", async (t) => {
  const read = async (offset: number, lengthBytes: number) =>
    (await peek(memoryBlocks(DISK), offset, lengthBytes, testContext()))?.toString();
  t.is(await read(2, 3), "234");
  t.is(await read(8, 2), "89");
  t.is(await read(8, 3), "89");
  t.is(await read(9, 100), "9");
  for (const offset of [10, 11, -1, 0.5, Number.MAX_SAFE_INTEGER + 1, Number.NaN])
    t.is(await read(offset, 1), undefined);
});

test("peek() gives nothing where looking is unsuitable, and passes every other error on", async (t) => {
  const failing = (code: "SOURCE_UNSUITABLE" | "SOURCE_UNAVAILABLE") => ({
    ...memoryBlocks(DISK),
    read: () => Promise.reject(new ImportError(code, "Cannot read")),
  });
  t.is(await peek(failing("SOURCE_UNSUITABLE"), 0, 1, testContext()), undefined);
  await t.throwsAsync(peek(failing("SOURCE_UNAVAILABLE"), 0, 1, testContext()), { instanceOf: ImportError });
});
