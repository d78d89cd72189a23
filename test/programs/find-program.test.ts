import test from "ava";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, requireProgram } from "../../programs/find-program.ts";
import { failure } from "../support/errors.ts";

test("findProgram() takes the first executable file of the path", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "diskferry-test-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const [folders, files, programs] = [join(folder, "a"), join(folder, "b"), join(folder, "c")];
  await mkdir(join(folders, "tool"), { recursive: true });
  for (const place of [files, programs]) {
    await mkdir(place);
    await writeFile(join(place, "tool"), "");
  }
  await chmod(join(files, "tool"), 0o644);
  await chmod(join(programs, "tool"), 0o755);
  const programPath = [folders, files, programs].join(":");
  t.is(await findProgram("tool", { programPath }), join(programs, "tool"));
  t.is(await findProgram("tool", { programPath: `${folders}:${files}` }), undefined);
});

test("findProgram() looks into the standard folders by default, and never into relative ones", async (t) => {
  t.regex((await findProgram("sh", {})) ?? "", /^\/.*\/sh$/);
  t.is(await findProgram("package.json", { programPath: ".::bin" }), undefined);
});

test("requireProgram() fails with PROGRAM_MISSING and the line that installs it", async (t) => {
  const name = { program: "no-such-tool", debianPackage: "tool-package" };
  const error = await failure(() => requireProgram(name, {}));
  t.is(error.code, "PROGRAM_MISSING");
  t.is(error.remedy, "Install it with: apt-get install tool-package");
});
