import test from "ava";
import { untriedRules } from "../../support/inspected.ts";

test("every rule of vmdk that refuses is the reason for refusing some attack of the corpus", (t) => {
  t.deepEqual(untriedRules("vmdk"), []);
});
