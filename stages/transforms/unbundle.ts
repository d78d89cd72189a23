import type { Stage } from "../../pipeline/contract.ts";
import type { BundleManifest } from "../../manifest/bundle.ts";
import { decompress } from "./decompress.ts";
import { expectSize } from "./expect-size.ts";
import { untar } from "./untar.ts";
import { verify } from "./verify.ts";

/**
 * What turns the decrypted bytes of a bundle into its image: gunzip, SHA-1 of the whole tar stream (where the manifest
 * states it), untar, size. A manifest's digest is of the tar stream, padding included, and not of the image.
 */
export function unbundleStages(manifest: BundleManifest): readonly Stage[] {
  const { name, digest, sizeBytes } = manifest.image;
  const checked =
    digest === undefined ? [] : [verify({ algorithm: "sha1", digest, what: `the tar stream of ${name}` })];
  return [decompress("gzip"), ...checked, untar(), expectSize(sizeBytes, name)];
}
