import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { BundleManifest } from "../../manifest/bundle.ts";
import { unwrapBundleKeys } from "../../manifest/bundle-keys.ts";
import type { Destination } from "../../pipeline/contract.ts";
import { DIGEST_ALGORITHM } from "../../pipeline/disk-digest.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { runStream, type StreamResult } from "../../pipeline/run.ts";
import { formatExactBytes } from "../../pipeline/units.ts";
import { fileDestination } from "../../stages/destinations/file.ts";
import { streamDestination } from "../../stages/destinations/stream.ts";
import { bundleSource } from "../../stages/sources/bundle.ts";
import { unbundleStages } from "../../stages/transforms/unbundle.ts";
import type { RunContext } from "../../worker/run-context.ts";
import type { Session } from "../command.ts";
import type { NamedKey } from "../options/values.ts";
import type { Outcome } from "../output.ts";
import { factsText } from "../table.ts";
import type { BundlePlace } from "./place.ts";
import { takeStandardOutput } from "../standard-output.ts";

export interface Unbundling {
  readonly manifest: BundleManifest;
  /** Of the manifest, for people. */
  readonly name: string;
  readonly parts: BundlePlace;
  readonly key: NamedKey;
  readonly destination: Destination;
}

/** Fetches, decrypts, checks and unpacks a bundle; every digest and size that its manifest states is verified. */
export async function unbundleTo(unbundling: Unbundling, context: RunContext): Promise<Outcome> {
  const { manifest, name, parts, key, destination } = unbundling;
  const source = bundleSource({
    name,
    manifest,
    keys: unwrapBundleKeys(manifest.image, key.key),
    openPart: (fileName) => parts.source(fileName),
  });
  const { sizeBytes } = manifest.image;
  const result = await runStream(source, unbundleStages(manifest), destination, context, { sizeBytes });
  return unbundleOutcome(manifest, result);
}

/** A file, a folder that the image's own name is put into, or `-` for standard output. */
export async function unbundleDestination(
  place: string,
  { image }: BundleManifest,
  overwrite: boolean,
  session: Session,
): Promise<Destination> {
  if (place === "-") {
    takeStandardOutput(session);
    return streamDestination(session.environment.output.stream, "-");
  }
  return fileDestination((await isFolder(place)) ? join(place, image.name) : place, { overwrite });
}

/** A key is always needed: throws ARGUMENT_INVALID where none was given. */
export function requireKey(key: NamedKey | undefined): NamedKey {
  if (key !== undefined) return key;
  throw new ImportError("ARGUMENT_INVALID", "Cannot open a bundle without a private key", {
    remedy: "Give the key of the owner or of the cloud with -k FILE, or name it in EC2_PRIVATE_KEY",
  });
}

async function isFolder(path: string): Promise<boolean> {
  // What cannot be looked at is reported when it is written to.
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

function unbundleOutcome(
  { image }: BundleManifest,
  { receipt, diskDigest, sizeBytes }: StreamResult,
): Outcome {
  const checked = [
    ...(image.parts.every(({ sha1 }) => sha1 !== undefined) ? [`SHA-1 of ${image.parts.length} parts`] : []),
    ...(image.digest === undefined ? [] : ["SHA-1 of the tar stream"]),
    "size of the image",
  ];
  return {
    value: {
      result: receipt,
      image: image.name,
      sizeBytes,
      diskDigest: { algorithm: DIGEST_ALGORITHM, value: diskDigest },
      checked,
    },
    text: factsText([
      ["result", receipt.name],
      ["size", formatExactBytes(sizeBytes)],
      ["disk digest", `${DIGEST_ALGORITHM}:${diskDigest}`],
      ["checked", checked.join("; ")],
    ]),
  };
}
