import { DISK_FORMATS } from "../../pipeline/disk-format.ts";
import { requireProgram } from "../../programs/find-program.ts";
import { runProgram } from "../../programs/process.ts";
import { programVersion } from "../../programs/program-version.ts";
import { QEMU_IMG } from "../../programs/qemu-img.ts";
import { QEMU_NBD } from "../../programs/qemu-nbd.ts";
import type { Check } from "./check.ts";

/** To print a version takes milliseconds, also from a cold disk. */
const TIMEOUT_MS = 10_000;

/** The programs that are called, and what stops working without them. */
const PROGRAMS = [
  { ...QEMU_IMG, purpose: "converts, checks and compares disk formats" },
  { ...QEMU_NBD, purpose: "decodes disk formats for digests and for results that are read as they come" },
  {
    program: "prlimit",
    debianPackage: "util-linux",
    purpose: "bounds the memory and time of other programs",
  },
  {
    program: "setpriv",
    debianPackage: "util-linux",
    purpose: "ends other programs when diskferry itself is killed",
  },
] as const;

export const programChecks: readonly Check[] = PROGRAMS.map(({ program, debianPackage, purpose }) => ({
  name: program,
  async look(context) {
    const path = await requireProgram({ program, debianPackage }, context);
    const version = await programVersion({ program, debianPackage }, context);
    return { ok: true, detail: `${version}, "${path}"; ${purpose}` };
  },
}));

export const formats: Check = {
  name: "disk formats",
  async look(context) {
    const { program, debianPackage } = QEMU_IMG;
    const { stdout } = await runProgram(
      { program, debianPackage, args: ["--help"], timeoutMs: TIMEOUT_MS },
      context,
    );
    const known = new Set(/^Supported formats:(.*)$/m.exec(stdout)?.[1]?.trim().split(/\s+/));
    const missing = Object.values(DISK_FORMATS).filter(({ driver }) => !known.has(driver));
    const names = Object.keys(DISK_FORMATS).join(", ");
    if (missing.length === 0) return { ok: true, detail: `qemu-img knows ${names}` };
    return {
      ok: false,
      detail: `qemu-img does not know ${missing.map(({ driver }) => driver).join(", ")}`,
      fix: "Install qemu-utils of your distribution: this one was built without them",
    };
  },
};
