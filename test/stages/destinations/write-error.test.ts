import test from "ava";
import { ImportError } from "../../../pipeline/errors.ts";
import { writeError, writing } from "../../../stages/destinations/write-error.ts";

for (const [system, code] of [
  ["ENOSPC", "DESTINATION_FULL"],
  ["EDQUOT", "DESTINATION_FULL"],
  ["EFBIG", "DESTINATION_FULL"],
  ["EROFS", "DESTINATION_FORBIDDEN"],
  ["EACCES", "DESTINATION_FORBIDDEN"],
  ["EBUSY", "DESTINATION_FORBIDDEN"],
  ["ENOENT", "DESTINATION_NOT_FOUND"],
  ["EPIPE", "DESTINATION_UNAVAILABLE"],
  ["EIO", "DESTINATION_UNAVAILABLE"],
  ["ERR_STREAM_DESTROYED", "DESTINATION_UNAVAILABLE"],
] as const) {
  test(`writeError() makes ${code} of ${system}, with cause and remedy`, (t) => {
    const cause = Object.assign(new Error("x"), { code: system });
    const error = writeError(cause, "disk.raw");
    t.true(error instanceof ImportError);
    t.like(error, { code, cause });
    t.true(error instanceof ImportError && (error.remedy ?? "").length > 0);
    t.regex(String(error), /Cannot write "disk\.raw" as /);
  });
}

test("writing() passes our own errors, mistakes of the programming and whatever else on as they are", async (t) => {
  const others = [
    new ImportError("SIZE_EXCEEDED", "x"),
    Object.assign(new TypeError("x"), { code: "ERR_INVALID_ARG_TYPE" }),
    new Error("x"),
  ];
  for (const error of others) t.is(await t.throwsAsync(writing("x", () => Promise.reject(error))), error);
});
