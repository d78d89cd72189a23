import test from "ava";
import { collectYoungGarbage } from "../../stages/young-garbage.ts";

test("collectYoungGarbage() frees buffers that were dropped, by the time it is called again", (t) => {
  collectYoungGarbage();
  const before = process.memoryUsage().arrayBuffers;
  for (let count = 0; count < 64; count++) Buffer.allocUnsafeSlow(1024 * 1024);
  collectYoungGarbage();
  collectYoungGarbage();
  t.true(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024);
});
