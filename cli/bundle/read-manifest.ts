import type { X509Certificate } from "node:crypto";
import { type BundleManifest, parseBundleManifest } from "../../manifest/bundle.ts";
import { verifyBundleSignature } from "../../manifest/signature.ts";
import { DEFAULT_XML_LIMITS } from "../../manifest/xml.ts";
import type { Context, Source } from "../../pipeline/contract.ts";
import { firstBytes } from "../../worker/head.ts";

export interface ReadManifest {
  /** As it was read: what is signed, and what is passed on. */
  readonly text: Uint8Array;
  readonly manifest: BundleManifest;
}

/**
 * Reads a bundle manifest, at most as much as may be parsed. With `signer`, throws SIGNATURE_INVALID unless that
 * certificate's owner signed it. Throws MANIFEST_INVALID, MANIFEST_TOO_LARGE and what the source throws.
 */
export async function readBundleManifest(
  source: Source,
  context: Context,
  signer?: X509Certificate,
): Promise<ReadManifest> {
  const text = await firstBytes(source.bytes(context), DEFAULT_XML_LIMITS.maxBytes + 1);
  const manifest = parseBundleManifest(text);
  if (signer !== undefined) verifyBundleSignature(text, signer);
  return { text, manifest };
}
