import { dirname } from "node:path";
import type { Destination } from "../../pipeline/contract.ts";
import { bundleDestination } from "../../stages/destinations/bundle.ts";
import { folderParts } from "../../stages/destinations/folder-parts.ts";
import { s3Parts } from "../../stages/destinations/s3-parts.ts";
import type { Access } from "../../worker/access.ts";
import { type Location, locationBaseName } from "../../worker/location.ts";
import type { Target } from "../../worker/target.ts";
import { documentDestination } from "../document-destination.ts";
import type { BundleContent } from "../options/bundle-image-flags.ts";
import { type CannedAcl, granting } from "./bucket.ts";
import { type BucketPath, parseBucketPath } from "./place.ts";

/** Where a new bundle goes. */
export type BundleSite = { readonly folder: string } | BucketPath;

export interface NewBundle {
  readonly site: BundleSite;
  /** Base name of parts and manifest, and name of the image when it is unpacked. */
  readonly prefix: string;
  readonly content: BundleContent;
  readonly overwrite: boolean;
  /** Of objects in a bucket. Default: nobody else may read them. */
  readonly acl?: CannedAcl;
  /** Of an image that comes through a pipe. */
  readonly imageBytes?: number;
}

/** What the name of a bundle's manifest ends with, by which a destination is known to be a bundle. */
const MANIFEST_SUFFIX = ".manifest.xml";

/** Site and prefix of the bundle whose manifest is to be at this location; undefined where that is no name of one. */
export function bundleSiteOf(manifest: Location): Pick<NewBundle, "site" | "prefix"> | undefined {
  const name = locationBaseName(manifest);
  if (!name.endsWith(MANIFEST_SUFFIX) || name === MANIFEST_SUFFIX) return undefined;
  const prefix = name.slice(0, -MANIFEST_SUFFIX.length);
  if (manifest.kind === "file") return { site: { folder: dirname(manifest.path) }, prefix };
  if (manifest.kind !== "s3") return undefined;
  const folder = manifest.key.slice(0, -name.length);
  return { site: parseBucketPath(`${manifest.bucket}/${folder}`), prefix };
}

/** A bundle as the target of a conversion: nothing is made or opened yet. */
export function bundleTarget(bundle: NewBundle, bundlerVersion: string, access: Access): Target {
  const { site, prefix, content, overwrite, acl, imageBytes } = bundle;
  const store =
    "folder" in site
      ? folderParts(site.folder, { overwrite })
      : granting(acl, site, access.s3, s3Parts(site, access.s3, { overwrite }));
  const bundler = { name: "diskferry", version: bundlerVersion, release: "0" };
  const destination = bundleDestination({ ...content, store, prefix, bundler });
  return {
    name: destination.name,
    kind: "bundle",
    format: { format: "raw" },
    destination: imageBytes === undefined ? destination : sized(destination, imageBytes),
    beside: (suffix) =>
      documentDestination(manifestLocation(site, prefix), access, { suffix, overwrite: true }),
  };
}

function manifestLocation(site: BundleSite, prefix: string): Location {
  const fileName = prefix + MANIFEST_SUFFIX;
  if ("folder" in site) return { kind: "file", path: `${site.folder}/${fileName}` };
  return { kind: "s3", bucket: site.bucket, key: site.prefix + fileName };
}

/** The same destination for a source that does not know its size itself. */
function sized(destination: Destination, sizeBytes: number): Destination {
  return { name: destination.name, open: (context) => destination.open(context, { sizeBytes }) };
}
