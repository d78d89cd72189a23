import test from "ava";
import { MAX_QEMU_BYTES, withTables } from "../../converters/limits.ts";

test("MAX_QEMU_BYTES is whole sectors, and a safe integer", (t) => {
  t.is(MAX_QEMU_BYTES % 512, 0);
  t.true(Number.isSafeInteger(MAX_QEMU_BYTES));
});

test("withTables() is more than the disk, and by less than a hundredth for large ones", (t) => {
  for (const sizeBytes of [0, 512, 1024 ** 3, 1024 ** 4]) t.true(withTables(sizeBytes) > sizeBytes);
  t.true(withTables(1024 ** 4) < 1.01 * 1024 ** 4);
});
