import type { Command } from "commander";
import { compareDisks, type DiskComparison } from "../../worker/compare-disks.ts";
import { type Location, locationName } from "../../worker/location.ts";
import { resolveSource, type SourceOptions } from "../../worker/resolve-source.ts";
import type { CommandSpec, WithAccess } from "../command.ts";
import { type AccessFlags, addAccessFlags, parseAccess } from "../options/access-flags.ts";
import { addRunFlags, runSettings, type RunFlags } from "../options/run-flags.ts";
import { addSourceFlags, parseSourceFlags, type SourceFlags } from "../options/source-flags.ts";
import { parseLocationArgument } from "../options/values.ts";

interface Flags extends SourceFlags, AccessFlags, RunFlags {
  readonly strict?: boolean;
}

interface Options extends WithAccess {
  readonly first: Location;
  readonly second: Location;
  readonly firstOptions: SourceOptions;
  readonly secondOptions: SourceOptions;
  /** Whether a longer disk whose rest is zero counts as another disk. */
  readonly isStrict: boolean;
}

/** Compares what a guest would see of two images. */
export const compare: CommandSpec<Flags, Options> = {
  name: "compare",
  summary: "Compare the disks in two images, whatever their formats; exit status 1 when they differ",
  examples: [
    { line: "compare disk.raw disk.vmdk", does: "compare a disk with its conversion" },
    {
      line: "compare disk.manifest.xml disk.qcow2 --key user.pem",
      does: "compare an encrypted bundle with what was made of it",
    },
    { line: "compare a.vhd b.raw --strict", does: "count padding at the end as a difference" },
  ],
  declare(command: Command) {
    command
      .argument("<first>", "path, http(s):// or s3:// address, or - for standard input")
      .argument("<second>", "the same")
      .option("--strict", "also tell disks apart of which one only has more zeroes at its end");
    addSourceFlags(command);
    addAccessFlags(command);
    addRunFlags(command);
  },
  async parse(args, flags, environment) {
    const first = parseLocationArgument(args, 0);
    const second = parseLocationArgument(args, 1);
    return {
      first,
      second,
      firstOptions: await parseSourceFlags(flags, first, environment),
      secondOptions: await parseSourceFlags(flags, second, environment),
      isStrict: flags.strict === true,
      access: parseAccess(flags, environment),
      settings: runSettings(flags),
    };
  },
  async run({ first, second, firstOptions, secondOptions, isStrict, access, settings }, session) {
    const comparison = await session.run(settings, async (context) => {
      await using a = await resolveSource(first, firstOptions, access, context);
      await using b = await resolveSource(second, secondOptions, access, context);
      return await compareDisks(a, b, context);
    });
    const isSame = comparison.verdict === "identical" || (comparison.verdict === "zero-tail" && !isStrict);
    return {
      value: { ...comparison, same: isSame, first: locationName(first), second: locationName(second) },
      text: comparisonText(comparison, locationName(first), locationName(second)),
      exitStatus: isSame ? 0 : 1,
    };
  },
};

export function comparisonText(comparison: DiskComparison, first: string, second: string): string {
  const { verdict, firstDifferenceByte, firstBytes, secondBytes } = comparison;
  if (verdict === "identical") return `The disks are identical: ${firstBytes} bytes`;
  if (verdict === "different") return `The disks differ at byte ${firstDifferenceByte}`;
  const [longer, moreBytes] =
    firstBytes > secondBytes ? [first, firstBytes - secondBytes] : [second, secondBytes - firstBytes];
  return `The disks are the same but for ${moreBytes} zero bytes at the end of "${longer}"`;
}
