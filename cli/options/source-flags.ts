import type { Command } from "commander";
import { defined } from "../../pipeline/defined.ts";
import type { DiskFormat } from "../../pipeline/disk-format.ts";
import type { SourceOptions } from "../../worker/resolve-source.ts";
import { type Location, locationExtension } from "../../worker/location.ts";
import type { CliEnvironment } from "../environment.ts";
import { formatValue, readCertificate, readKey } from "./values.ts";

/** How a source is to be read. */
export interface SourceFlags {
  readonly from?: DiskFormat;
  readonly member?: string;
  readonly allowNested?: boolean;
  readonly repair?: boolean;
  readonly key?: string;
  readonly verifySignature?: string;
}

export function addSourceFlags(command: Command): void {
  command
    .optionsGroup("Source:")
    .option("--from <format>", "disk format of the source (default: found by its content)", formatValue)
    .option("--member <name>", "which file of an archive is the disk image")
    .option("--allow-nested", "with --from raw: the disk may itself start like a disk image")
    .option("--repair", "replay the log of a VHDX that was not closed properly, on a copy in scratch")
    .option("-k, --key <pem>", "private key that opens a bundle; also EC2_PRIVATE_KEY, EUCA_PRIVATE_KEY")
    .option(
      "--verify-signature <certificate>",
      "insist that a bundle was signed by the owner of this certificate",
    );
}

/**
 * Reads the key files. A key that only the environment names is read only for what by its name is a manifest, so that
 * an old setting does not stand in the way of anything else.
 */
export async function parseSourceFlags(
  flags: SourceFlags,
  location: Location,
  { variables }: Pick<CliEnvironment, "variables">,
): Promise<SourceOptions> {
  const fromEnvironment = locationExtension(location) === ".xml" ? privateKeyVariable(variables) : undefined;
  const keyPath = flags.key ?? fromEnvironment;
  const { from, member, allowNested, repair, verifySignature } = flags;
  return defined({
    from,
    member,
    allowsNested: allowNested,
    repairs: repair,
    privateKey: keyPath === undefined ? undefined : await readKey(keyPath),
    signer: verifySignature === undefined ? undefined : await readCertificate(verifySignature),
  });
}

/** Where euca2ools and the EC2 tools look for the user's private key. */
export function privateKeyVariable(variables: CliEnvironment["variables"]): string | undefined {
  return variables["EUCA_PRIVATE_KEY"] ?? variables["EC2_PRIVATE_KEY"];
}
