import { createDecipheriv, type KeyObject, type X509Certificate } from "node:crypto";
import { type BundleManifest, parseBundleManifest } from "../manifest/bundle.ts";
import { unwrapBundleKeys, unwrapDownloadKeys } from "../manifest/bundle-keys.ts";
import { type DownloadManifest, type DownloadPart, parseDownloadManifest } from "../manifest/download.ts";
import { type ImportManifest, parseImportManifest } from "../manifest/import.ts";
import { detectManifest, MANIFEST_HEAD_BYTES } from "../manifest/kind.ts";
import { verifyBundleSignature, verifyDownloadSignature } from "../manifest/signature.ts";
import { withoutImagingMarker } from "../manifest/url.ts";
import type { Context, Source } from "../pipeline/contract.ts";
import { ImportError } from "../pipeline/errors.ts";
import { bundleSource, type BundleSourceOptions } from "../stages/sources/bundle.ts";
import { httpSource } from "../stages/sources/http.ts";
import { importManifestSource } from "../stages/sources/import-manifest.ts";
import { unbundleStages } from "../stages/transforms/unbundle.ts";
import { verify } from "../stages/transforms/verify.ts";
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
  const kind = detectManifest(text);
  if (kind === "import") return await openImport(parseImportManifest(text), access, context);
  if (options.signer !== undefined) {
    if (kind === "download") verifyDownloadSignature(text, options.signer);
    else verifyBundleSignature(text, options.signer);
  }
  if (kind === "download")
    return await openDownload(parseDownloadManifest(text), manifest.name, options, access, context);
  const bundle = parseBundleManifest(text);
  const openPart = (fileName: string) => openLocation(siblingLocation(location, fileName), access);
  const keys = unwrapBundleKeys(bundle.image, requireKey(manifest.name, options));
  return await openBundle({ name: manifest.name, manifest: bundle, keys, openPart }, context);
}

async function openImport(
  manifest: ImportManifest,
  access: Access,
  context: Context,
): Promise<ManifestContent> {
  const source = importManifestSource(manifest, access.http);
  return {
    source,
    stages: [],
    layers: ["import manifest"],
    head: await firstBytes(source.bytes(context), HEAD_BYTES),
  };
}

/** The bundle or file whose parts a download manifest addresses one by one. */
async function openDownload(
  manifest: DownloadManifest,
  name: string,
  options: ManifestOptions,
  access: Access,
  context: Context,
): Promise<ManifestContent> {
  const { content, parts, sizeBytes } = manifest;
  const opened = parts.map(({ getUrl }) => httpSource(withoutImagingMarker(getUrl), access.http));
  if (content.fileFormat === "RAW") {
    const source = joined(name, sizeBytes, opened, parts);
    const head = await firstBytes(source.bytes(context), HEAD_BYTES);
    return { source, stages: [], layers: ["download manifest"], head };
  }
  const keys = unwrapDownloadKeys(content, requireKey(name, options));
  const image = {
    name: "disk",
    user: "",
    type: "machine",
    ancestry: [],
    sizeBytes: content.unbundledSizeBytes,
    bundledSizeBytes: sizeBytes,
    parts: parts.map((part) => ({ ...part, fileName: String(part.index) })),
  } as const;
  const bundle = { version: "", bundler: { name: "", version: "", release: "" }, image };
  const openPart = (fileName: string) => {
    const part = opened[Number(fileName)];
    if (part === undefined) throw new RangeError(`There is no part ${fileName}`);
    return part;
  };
  return await openBundle({ name, manifest: bundle, keys, openPart }, context);
}

/** Parts as one file, one after the other, each checked against its digest where the manifest states one. */
function joined(
  name: string,
  sizeBytes: number,
  sources: readonly Source[],
  parts: readonly DownloadPart[],
): Source {
  return {
    name,
    facts: () => Promise.resolve({ sizeBytes, seekable: false }),
    async *bytes(context) {
      for (const [index, source] of sources.entries()) {
        const digest = parts[index]?.sha1;
        const check = digest && verify({ algorithm: "sha1", digest, what: `part ${index} of ${name}` });
        yield* check ? check.transform(source.bytes(context), context) : source.bytes(context);
      }
    },
  };
}

async function openBundle(options: BundleSourceOptions, context: Context): Promise<ManifestContent> {
  const { manifest, keys, openPart } = options;
  const first = manifest.image.parts[0];
  const ciphertext =
    first === undefined
      ? Buffer.alloc(0)
      : await firstBytes(openPart(first.fileName).bytes(context), HEAD_BYTES);
  const decipher = createDecipheriv("aes-128-cbc", keys.key, keys.iv).setAutoPadding(false);
  return {
    source: bundleSource(options),
    stages: unbundleStages(manifest),
    layers: ["bundle", "gzip", "tar"],
    head: decipher.update(ciphertext.subarray(0, ciphertext.byteLength & ~15)),
    imageBytes: manifest.image.sizeBytes,
    bundle: manifest,
  };
}

function requireKey(name: string, { privateKey }: ManifestOptions): KeyObject {
  if (privateKey !== undefined) return privateKey.key;
  throw new ImportError("ARGUMENT_INVALID", `Cannot open the bundle "${name}" without a private key`, {
    remedy: "Give the key of the owner or of the cloud with --key FILE.pem",
  });
}
