import test from "ava";
import { QEMU_LIMITS } from "../../programs/qemu-limits.ts";

test("QEMU_LIMITS leave room for a convert, and are limits", (t) => {
  t.true(QEMU_LIMITS.addressSpaceBytes >= 1024 ** 3 + 256 * 1024 ** 2);
  t.true(Number.isSafeInteger(QEMU_LIMITS.addressSpaceBytes));
  t.true(QEMU_LIMITS.openFiles > 64 + 20, "64 clients of qemu-nbd and its own files");
});
