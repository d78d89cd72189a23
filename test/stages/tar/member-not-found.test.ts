import test from "ava";
import { memberNotFound } from "../../../stages/tar/member-not-found.ts";

test("memberNotFound() names what there is, and only so much of it", (t) => {
  const names = Array.from({ length: 25 }, (_, at) => `file-${at}`);
  const error = memberNotFound("disk.img", names);
  t.is(error.code, "MEMBER_NOT_FOUND");
  t.regex(error.message, /"disk\.img".*"file-0".*"file-19", 5 more$/);
  t.regex(memberNotFound(undefined, []).message, /no file/);
});
