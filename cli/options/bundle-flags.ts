import { basename, dirname } from "node:path";
import type { Command } from "commander";
import { ImportError } from "../../pipeline/errors.ts";
import type { S3Access } from "../../stages/s3-access.ts";
import type { BundlePlace, BucketPath } from "../bundle/place.ts";
import { bucketPlace, folderPlace, parseBucketPath } from "../bundle/place.ts";
import type { CliEnvironment } from "../environment.ts";
import { privateKeyVariable } from "./source-flags.ts";
import { type NamedKey, readKey } from "./values.ts";

/** How euca2ools names a bundle in object storage. */
export interface StoredBundleFlags {
  readonly bucket: string;
  readonly manifest?: string;
  readonly prefix?: string;
  readonly localManifest?: string;
}

/** A bundle in object storage, and where its manifest is read from. */
export interface StoredBundle {
  readonly at: BucketPath;
  readonly parts: BundlePlace;
  readonly manifestPlace: BundlePlace;
  readonly manifestFile: string;
  /** Whether the manifest is with the parts, and not a local copy. */
  readonly isManifestStored: boolean;
}

export function addStoredBundleFlags(command: Command): void {
  command
    .requiredOption(
      "-b, --bucket <bucket[/prefix]>",
      "bucket that holds the bundle, and what its keys begin with",
    )
    .option("-m, --manifest <name>", "name of the manifest in the bucket")
    .option("-p, --prefix <name>", "name of the bundle: its manifest is NAME.manifest.xml")
    .option("--local-manifest <file>", "read the manifest from a local file instead");
}

/** Throws ARGUMENT_INVALID unless exactly one of the three names of the manifest is given. */
export function parseStoredBundle(flags: StoredBundleFlags, access: S3Access): StoredBundle {
  const { manifest, prefix, localManifest } = flags;
  const at = parseBucketPath(flags.bucket);
  const parts = bucketPlace(at, access);
  if ([manifest, prefix, localManifest].filter((name) => name !== undefined).length !== 1) {
    throw new ImportError("ARGUMENT_INVALID", "Cannot tell which bundle is meant", {
      remedy: "Give exactly one of -m MANIFEST, -p PREFIX and --local-manifest FILE",
    });
  }
  if (localManifest !== undefined) {
    const manifestPlace = folderPlace(dirname(localManifest));
    return { at, parts, manifestPlace, manifestFile: basename(localManifest), isManifestStored: false };
  }
  const manifestFile = manifest ?? `${prefix ?? ""}.manifest.xml`;
  return { at, parts, manifestPlace: parts, manifestFile, isManifestStored: true };
}

/** The private key that `-k` names, or else the environment. */
export async function parseBundleKey(
  path: string | undefined,
  { variables }: Pick<CliEnvironment, "variables">,
): Promise<NamedKey | undefined> {
  const known = path ?? privateKeyVariable(variables);
  return known === undefined ? undefined : readKey(known);
}
