import test from "ava";
import { defined } from "../../pipeline/defined.ts";

test("defined() leaves out what is undefined and keeps everything else that is falsy", (t) => {
  t.deepEqual(defined({ a: undefined, b: 0, c: "", d: null, e: false }), { b: 0, c: "", d: null, e: false });
  t.deepEqual(Object.keys(defined({ a: undefined })), []);
});
