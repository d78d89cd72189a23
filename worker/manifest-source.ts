import { createDecipheriv, type KeyObject, type X509Certificate } from "node:crypto";
import { type BundleManifest, parseBundleManifest } from "../manifest/bundle.ts";
import { unwrapBundleKeys } from "../manifest/bundle-keys.ts";
import { detectManifest, MANIFEST_HEAD_BYTES } from "../manifest/kind.ts";
import { parseImportManifest } from "../manifest/import.ts";
import { verifyBundleSignature } from "../manifest/signature.ts";
import type { Context } from "../pipeline/contract.ts";
import { ImportError } from "../pipeline/errors.ts";
import { bundleSource } from "../stages/sources/bundle.ts";
import { importManifestSource } from "../stages/sources/import-manifest.ts";
import { unbundleStages } from "../stages/transforms/unbundle.ts";
import { type Access, openLocation } from "./access.ts";
import { firstBytes, HEAD_BYTES, type PeekedSource } from "./head.ts";
import type { Wrapped } from "./layers.ts";
import { type Location, locationExtension, siblingLocation } from "./location.ts";

/** Beyond any manifest that is in use: 100,000 parts take about 40 MiB. */
const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

export interface ManifestOptions {
  /** Opens the key of a bundle; `name` is for messages. */
  readonly privateKey?: { readonly key: KeyObject; readonly name: string };
  /** Insist that a bundle is signed by the owner of this certificate. */
  readonly signer?: X509Certificate;
}

/** What a manifest leads to: the bytes that it describes, wrapped as they always are. */
export interface ManifestContent extends Wrapped {
  /** Of the disk image, as stated. */
  readonly imageBytes?: number;
  readonly bundle?: BundleManifest;
}

/** Whether this is, or by its name should be, one of the XML documents called manifest. */
export function isManifest(location: Location, head: Uint8Array): boolean {
  if (detectManifest(head) !== undefined || locationExtension(location) === ".xml") return true;
  return /^\s*(?:<\?xml[^>]*>\s*)?<manifest[\s>]/.test(
    Buffer.from(head.subarray(0, MANIFEST_HEAD_BYTES)).toString(),
  );
}

/**
 * Opens what the manifest at `location` describes. Throws MANIFEST_INVALID, MANIFEST_TOO_LARGE, SIGNATURE_INVALID,
 * KEY_MISMATCH, ARGUMENT_INVALID when a bundle is to be opened without a key, and what the parts' source throws.
 */
export async function openManifest(
  location: Location,
  manifest: PeekedSource,
  options: ManifestOptions,
  access: Access,
  context: Context,
): Promise<ManifestContent> {
  const text = await firstBytes(manifest.bytes(context), MAX_MANIFEST_BYTES + 1);
  if (text.byteLength > MAX_MANIFEST_BYTES) {
    throw new ImportError(
      "MANIFEST_TOO_LARGE",
      `Cannot read "${manifest.name}" as it is longer than 64 MiB`,
      {
        remedy: "Check that this is a manifest and not the image",
      },
    );
  }
  return detectManifest(text) === "import"
    ? await openImport(text, context)
    : await openBundle(text, location, manifest.name, options, access, context);
}

async function openImport(text: Buffer, context: Context): Promise<ManifestContent> {
  const manifest = parseImportManifest(text);
  const source = importManifestSource(manifest);
  const head = await firstBytes(source.bytes(context), HEAD_BYTES);
  return { source, stages: [], layers: ["import manifest"], head };
}

async function openBundle(
  text: Buffer,
  location: Location,
  name: string,
  options: ManifestOptions,
  access: Access,
  context: Context,
): Promise<ManifestContent> {
  const manifest = parseBundleManifest(text);
  if (options.signer !== undefined) verifyBundleSignature(text, options.signer);
  if (options.privateKey === undefined) {
    throw new ImportError("ARGUMENT_INVALID", `Cannot open the bundle "${name}" without a private key`, {
      remedy: "Give the key of the owner or of the cloud with --key FILE.pem",
    });
  }
  const keys = unwrapBundleKeys(manifest.image, options.privateKey.key);
  const openPart = (fileName: string) => openLocation(siblingLocation(location, fileName), access);
  const first = manifest.image.parts[0];
  const ciphertext =
    first === undefined
      ? Buffer.alloc(0)
      : await firstBytes(openPart(first.fileName).bytes(context), HEAD_BYTES);
  const decipher = createDecipheriv("aes-128-cbc", keys.key, keys.iv).setAutoPadding(false);
  const head = decipher.update(ciphertext.subarray(0, ciphertext.byteLength & ~15));
  return {
    source: bundleSource({ name, manifest, keys, openPart }),
    stages: unbundleStages(manifest),
    layers: ["bundle", "gzip", "tar"],
    head,
    imageBytes: manifest.image.sizeBytes,
    bundle: manifest,
  };
}
