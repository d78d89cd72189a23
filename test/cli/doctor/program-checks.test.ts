import { chmod, writeFile } from "node:fs/promises";
import test from "ava";
import { formats, programChecks } from "../../../cli/doctor/program-checks.ts";
import type { Check } from "../../../cli/doctor/check.ts";
import { withRun } from "../../../worker/run-context.ts";
import { failure } from "../../support/errors.ts";
import { temporaryFolder } from "../../support/folder.ts";

async function look(check: Check, programPath: string) {
  const signal = new AbortController().signal;
  return withRun({ signal }, (context) => check.look({ ...context, programPath }, {}));
}

/** A folder with one program that prints `text`. */
async function fake(name: string, text: string) {
  const folder = await temporaryFolder();
  await writeFile(folder.file(name), `#!/bin/sh\nprintf '%s\\n' '${text}'\n`);
  await chmod(folder.file(name), 0o755);
  return folder;
}

for (const check of programChecks) {
  test(`the check of ${check.name} gives its first line of --version and where it is`, async (t) => {
    await using folder = await fake(check.name, `${check.name} version 9.9\nsecond line`);
    const { ok, detail } = await look(check, folder.path);
    t.true(ok);
    t.true(detail.startsWith(`${check.name} version 9.9, "${folder.file(check.name)}"; `));
  });

  test(`the check of ${check.name} throws PROGRAM_MISSING with the line that installs it`, async (t) => {
    const error = await failure(() => look(check, "/nowhere"));
    t.is(error.code, "PROGRAM_MISSING");
    t.regex(error.remedy!, /apt-get install \S+$/);
  });
}

test("formats fails and names what a qemu-img without all drivers lacks", async (t) => {
  await using folder = await fake("qemu-img", "qemu-img\nSupported formats: raw qcow2 vmdk vpc\nmore");
  const { ok, detail, fix } = await look(formats, folder.path);
  t.false(ok);
  t.is(detail, "qemu-img does not know vhdx, vdi");
  t.truthy(fix);
  await using none = await fake("qemu-img", "nothing of the kind");
  t.false((await look(formats, none.path)).ok);
  await using all = await fake("qemu-img", "Supported formats: vdi vhdx raw qcow2 vmdk vpc iscsi");
  t.true((await look(formats, all.path)).ok);
});
