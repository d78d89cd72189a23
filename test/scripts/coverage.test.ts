import test from "ava";
import { coverage } from "../../scripts/coverage.ts";
import { ROOT } from "../../scripts/program.ts";
import { isPowerOfTwo } from "../../validators/container/fields.ts";

test.serial("coverage() sees code of the repository that runs for the first time, and only then", (t) => {
  using covered = coverage(ROOT);
  covered.ranNew();
  isPowerOfTwo(4);
  t.true(covered.ranNew());
  const count = covered.blockCount();
  t.true(count > 0);
  isPowerOfTwo(8);
  covered.ranNew();
  isPowerOfTwo(8);
  t.false(covered.ranNew());
});
