import { type Command, Option } from "commander";
import type { KeyObject } from "node:crypto";
import { defined } from "../../pipeline/defined.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { formatBytes, formatDuration, formatExactBytes } from "../../pipeline/units.ts";
import {
  type ConversionOutcome,
  type ManifestPlace,
  planConversion,
  runConversion,
} from "../../worker/conversion.ts";
import { type Location, locationName } from "../../worker/location.ts";
import { resolveSource, type SourceOptions } from "../../worker/resolve-source.ts";
import { resolveTarget, type TargetOptions } from "../../worker/target.ts";
import { bundleSiteOf, bundleTarget, type NewBundle } from "../bundle/bundle-target.ts";
import { documentDestination } from "../document-destination.ts";
import type { CommandSpec, WithAccess } from "../command.ts";
import type { CliEnvironment } from "../environment.ts";
import { ARCHITECTURES, type BundleImageFlags, parseBundleImage } from "../options/bundle-image-flags.ts";
import { type AccessFlags, addAccessFlags, parseAccess } from "../options/access-flags.ts";
import { addRunFlags, runSettings, type RunFlags } from "../options/run-flags.ts";
import { addSourceFlags, parseSourceFlags, type SourceFlags } from "../options/source-flags.ts";
import { addTargetFlags, parseTargetFlags, type TargetFlags } from "../options/target-flags.ts";
import { locationValue, parseLocationArgument, readKey } from "../options/values.ts";
import type { Outcome } from "../output.ts";
import { planText } from "../plan-text.ts";
import { takeStandardOutput } from "../standard-output.ts";
import { factsText } from "../table.ts";

interface Flags extends SourceFlags, TargetFlags, AccessFlags, RunFlags {
  readonly manifest?: Location;
  readonly signWith?: string;
  readonly cert?: string;
  readonly ec2cert?: string;
  readonly user?: string;
  readonly arch?: BundleImageFlags["arch"];
  readonly explain?: boolean;
  readonly dryRun?: boolean;
}

interface Options extends WithAccess {
  readonly from: Location;
  readonly to: Location;
  readonly source: SourceOptions;
  readonly target: TargetOptions;
  /** Set where the destination is a bundle. */
  readonly bundle?: NewBundle;
  readonly manifestAt?: Location;
  readonly signingKey?: KeyObject;
  /** Says what would be done and does nothing. */
  readonly isExplained: boolean;
}

/** The one command that most people need. */
export const convert: CommandSpec<Flags, Options> = {
  name: "convert",
  summary: "Bring an image from anywhere into another format and place, verified end to end",
  examples: [
    { line: "convert disk.vmdk disk.qcow2", does: "convert a local image" },
    {
      line: "convert s3://images/disk.manifest.xml disk.raw --key user.pem",
      does: "fetch, decrypt and unpack an encrypted bundle into a sparse file",
    },
    {
      line: "convert https://example.com/disk.raw.xz s3://images/disk.vmdk --subformat streamOptimized",
      does: "unpack and convert on the way from a web server to object storage",
    },
    { line: "convert disk.qcow2 /dev/vg0/guest", does: "write the disk to a logical volume" },
    {
      line: "convert disk.vmdk s3://images/web.manifest.xml --cert user.pem --user 000123456789",
      does: "make an encrypted bundle in object storage",
    },
    {
      line: "convert disk.ova disk.vhd --explain",
      does: "print what would be done, with the scratch space it takes",
    },
  ],
  declare(command: Command) {
    command
      .argument(
        "<source>",
        "path, http(s):// or s3:// address of an image or manifest, or - for standard input",
      )
      .argument(
        "<destination>",
        "path, device, s3:// address, NAME.manifest.xml of a bundle, or - for standard output",
      )
      .option("--explain", "print the plan and do nothing")
      .option("--dry-run", "the same")
      .option(
        "--manifest <location>",
        "where the result manifest goes (default: beside the result)",
        locationValue,
      )
      .option("--sign-with <pem>", "private key that signs the result manifest, and a bundle's");
    addSourceFlags(command);
    addTargetFlags(command);
    command
      .optionsGroup("Destination that is a bundle:")
      .option("-c, --cert <pem>", "certificate of the owner, who can then open it; also EUCA_CERT, EC2_CERT")
      .option("--ec2cert <pem>", "certificate of the cloud, which can then run it; also EUCALYPTUS_CERT")
      .option("--user <account>", "account number of the owner; also EC2_USER_ID")
      .addOption(
        new Option("--arch <name>", "architecture of the image").choices(ARCHITECTURES).default("x86_64"),
      );
    addAccessFlags(command);
    addRunFlags(command);
  },
  async parse(args, flags, environment) {
    const from = parseLocationArgument(args, 0);
    const to = parseLocationArgument(args, 1);
    return {
      from,
      to,
      source: await parseSourceFlags(flags, from, environment),
      target: parseTargetFlags(flags, to),
      ...defined({
        bundle: await parseBundle(flags, to, environment),
        manifestAt: flags.manifest,
        signingKey: flags.signWith === undefined ? undefined : (await readKey(flags.signWith)).key,
      }),
      isExplained: flags.explain === true || flags.dryRun === true,
      access: parseAccess(flags, environment),
      settings: runSettings(flags),
    };
  },
  async run(options, session) {
    const { from, to, source: sourceOptions, bundle, access, settings, isExplained } = options;
    const { version } = session.environment;
    const startedAtMs = performance.now();
    if (to.kind === "pipe" && !isExplained) takeStandardOutput(session);
    return await session.run(settings, async (context) => {
      const target =
        bundle === undefined
          ? await resolveTarget(to, options.target, access)
          : bundleTarget(bundle, version, access);
      await using source = await resolveSource(from, sourceOptions, access, context);
      const planned = await planConversion(source, target, context);
      if (isExplained) return { value: { plan: planned.plan }, text: planText(planned.plan) };
      const outcome = await runConversion(
        planned,
        {
          tool: { name: "diskferry", version },
          ...defined({ signingKey: options.signingKey, manifestTo: manifestPlace(options) }),
        },
        context,
      );
      return conversionOutcome(outcome, performance.now() - startedAtMs);
    });
  },
};

/** A destination with the name of a bundle's manifest is a bundle; its flags are those of the command of that name. */
async function parseBundle(
  flags: Flags,
  to: Location,
  environment: CliEnvironment,
): Promise<NewBundle | undefined> {
  const found = bundleSiteOf(to);
  if (found === undefined) {
    const flag = flags.cert !== undefined ? "--cert" : flags.ec2cert !== undefined ? "--ec2cert" : undefined;
    if (flag === undefined) return undefined;
    throw new ImportError(
      "ARGUMENT_INVALID",
      `Cannot use ${flag} as "${locationName(to)}" is no name of a bundle`,
      {
        remedy: "Name the destination NAME.manifest.xml",
      },
    );
  }
  const { cert, ec2cert, user, arch = "x86_64", signWith } = flags;
  const content = await parseBundleImage(
    { arch, ...defined({ cert, ec2cert, user, privatekey: signWith }) },
    environment,
  );
  return { ...found, content, overwrite: flags.force === true };
}

function manifestPlace({ manifestAt, access, target }: Options): ManifestPlace | undefined {
  if (manifestAt === undefined) return undefined;
  const { overwrite = false } = target;
  return (suffix) => documentDestination(manifestAt, access, { suffix, overwrite });
}

function conversionOutcome(outcome: ConversionOutcome, elapsedMs: number): Outcome {
  const { receipt, manifest, manifestName } = outcome;
  const { result, diskDigest, plan, checks } = manifest;
  const passed = checks.filter((check) => check.outcome === "passed");
  const rate = (result.virtualSizeBytes / Math.max(1, elapsedMs)) * 1000;
  const text = factsText([
    ["result", `${receipt.name} (${result.format})`],
    ["disk", formatExactBytes(result.virtualSizeBytes)],
    ["stored", formatExactBytes(result.sizeBytes)],
    ["disk digest", `${diskDigest.algorithm}:${diskDigest.value}`],
    ["checked", passed.length === 0 ? undefined : passed.map(({ name }) => name).join("; ")],
    ["route", `${plan.route}, scratch ${plan.scratchBytes === 0 ? "none" : formatBytes(plan.scratchBytes)}`],
    ["time", `${formatDuration(elapsedMs)}, ${formatBytes(Math.round(rate))} of disk a second`],
    ["manifest", manifestName],
  ]);
  return { value: { ...outcome, elapsedMs: Math.round(elapsedMs) }, text };
}
