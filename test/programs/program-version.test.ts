import { programVersion } from "../../programs/program-version.ts";
import { QEMU_IMG } from "../../programs/qemu-img.ts";
import { testContext } from "../support/context.ts";
import { failure } from "../support/errors.ts";
import { requires } from "../support/requires.ts";

const test = requires("qemu-img");

test("programVersion() gives the first line that qemu-img says of itself", async (t) => {
  t.regex(await programVersion(QEMU_IMG, testContext()), /^qemu-img version \d+\.\d+[^\n]*$/);
});

test("programVersion() throws PROGRAM_MISSING with the package to install", async (t) => {
  const program = { program: "no-such-program", debianPackage: "no-such-package" };
  const error = await failure(() => programVersion(program, testContext()));
  t.is(error.code, "PROGRAM_MISSING");
  t.regex(error.remedy!, /no-such-package/);
});
