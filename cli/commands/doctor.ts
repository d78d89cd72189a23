import type { Command } from "commander";
import type { CommandSpec, RunSettings } from "../command.ts";
import type { DoctorOptions } from "../doctor/check.ts";
import { examine, type NamedDiagnosis } from "../doctor/examine.ts";
import { type AccessFlags, addAccessFlags, s3Options } from "../options/access-flags.ts";
import { addRunFlags, runSettings, type RunFlags } from "../options/run-flags.ts";

type Flags = AccessFlags & RunFlags;

interface Options extends DoctorOptions {
  readonly settings: RunSettings;
}

/** Says what of this machine works, and what to do about the rest. */
export const doctor: CommandSpec<Flags, Options> = {
  name: "doctor",
  summary: "Check that this machine has what diskferry needs",
  examples: [
    { line: "doctor", does: "check everything that can be checked without a network" },
    {
      line: "doctor --url https://s3.example.com",
      does: "compare the clock with that of an object store as well",
    },
    {
      line: "doctor --scratch-dir /mnt/large --json",
      does: "look at another scratch folder, for a program to read",
    },
  ],
  declare(command: Command) {
    addRunFlags(command);
    addAccessFlags(command);
  },
  parse(_args, flags, { variables }) {
    const { endpoint } = s3Options(flags, variables);
    return { settings: runSettings(flags), ...(endpoint === undefined ? {} : { endpoint }) };
  },
  async run(options, session) {
    const checks = await session.run(options.settings, (context) => examine(context, options));
    const ok = checks.every((check) => check.ok);
    return { value: { ok, checks }, text: checks.map(line).join("\n"), exitStatus: ok ? 0 : 1 };
  },
};

function line({ name, ok, detail, fix }: NamedDiagnosis): string {
  const first = `${ok ? "✓" : "✗"} ${name}: ${detail}`;
  return fix === undefined ? first : `${first}\n    ${fix}`;
}
