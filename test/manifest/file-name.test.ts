import test from "ava";
import { isPlainFileName, plainFileName } from "../../manifest/file-name.ts";
import { failure } from "../support/errors.ts";

for (const name of ["a", ".hidden", "...", "disk..img", "dïsk 😀", "-rf", "x".repeat(255), "é".repeat(127)]) {
  test(`isPlainFileName() accepts ${JSON.stringify(name.slice(0, 20))} of ${name.length} characters`, (t) => {
    t.true(isPlainFileName(name));
    t.is(plainFileName(name, "it"), name);
  });
}

for (const name of [
  "",
  ".",
  "..",
  "/",
  "/a",
  "a/",
  "a/b",
  "../a",
  "a\\b",
  "a\0",
  "a\n",
  "\u001b[2J",
  "\u009b2J",
].concat("x".repeat(256), "é".repeat(128))) {
  test(`isPlainFileName() refuses ${JSON.stringify(name.slice(0, 20))} of ${name.length} characters`, async (t) => {
    t.false(isPlainFileName(name));
    const error = await failure(() => plainFileName(name, "part 7"));
    t.is(error.code, "MANIFEST_INVALID");
    t.regex(error.message, /part 7/);
    // oxlint-disable-next-line no-control-regex -- none may reach a terminal
    t.notRegex(error.message, /[\u0000-\u001f\u007f-\u009f]/);
  });
}
