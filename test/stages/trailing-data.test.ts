import test from "ava";
import { trailingData } from "../../stages/trailing-data.ts";

test("trailingData() tells the kind and the byte, and what to do", (t) => {
  const error = trailingData("gzip", 1234);
  t.is(error.code, "TRAILING_DATA");
  t.regex(error.message, /gzip.*byte 1234/);
  t.truthy(error.remedy);
});
