import type { X509Certificate } from "node:crypto";
import { MAX_RESULT_BYTES, parseResultManifest, type ResultManifest } from "../manifest/result.ts";
import { SIGNATURE_SUFFIX, verifyResultManifest } from "../manifest/result-signature.ts";
import type { Context } from "../pipeline/contract.ts";
import { parseDiskFormat } from "../pipeline/disk-format.ts";
import { DIGEST_ALGORITHM } from "../pipeline/disk-digest.ts";
import { type ErrorCode, ImportError } from "../pipeline/errors.ts";
import { type Access, openLocation } from "./access.ts";
import { digestSource } from "./digest-source.ts";
import { firstBytes } from "./head.ts";
import { type Location, locationName, withSuffix } from "./location.ts";
import { resolveSource, type SourceOptions } from "./resolve-source.ts";
import { RESULT_MANIFEST_SUFFIX } from "./target.ts";

export interface VerifyOptions extends Omit<SourceOptions, "from"> {
  /** Where the result manifest is. Default: beside the result, see {@link RESULT_MANIFEST_SUFFIX}. */
  readonly manifest?: Location;
  /** Insist that the result manifest is signed by the owner of this certificate. */
  readonly resultSigner?: X509Certificate;
}

/** One thing that was compared and found as stated. */
export interface VerifiedFact {
  readonly what: "signature" | "stored size" | "format" | "virtual size" | "disk digest";
  readonly value: string;
}

export interface Verification {
  readonly manifest: ResultManifest;
  readonly facts: readonly VerifiedFact[];
}

/**
 * Recomputes what a result manifest states of its result. Everything is read again. Throws SIGNATURE_INVALID,
 * SIZE_MISMATCH, FORMAT_MISMATCH, DIGEST_MISMATCH for the first thing that differs, and MANIFEST_INVALID.
 */
export async function verifyResult(
  location: Location,
  options: VerifyOptions,
  access: Access,
  context: Context,
): Promise<Verification> {
  const manifestAt = options.manifest ?? withSuffix(location, RESULT_MANIFEST_SUFFIX);
  const text = await readManifest(manifestAt, location, access, context);
  const facts: VerifiedFact[] = [];
  if (options.resultSigner !== undefined) {
    const signature = await readSmall(withSuffix(manifestAt, SIGNATURE_SUFFIX), access, context);
    verifyResultManifest(text, signature, options.resultSigner);
    facts.push({ what: "signature", value: options.resultSigner.subject });
  }
  const manifest = parseResultManifest(text);
  const { result, diskDigest } = manifest;
  const name = locationName(location);
  const agree = (
    what: VerifiedFact["what"],
    code: ErrorCode,
    found: string | number,
    stated: string | number,
  ) => {
    if (found !== stated) throw differs(code, name, what, String(found), String(stated));
    facts.push({ what, value: String(found) });
  };
  await using source = await resolveSource(location, given(options, result.format), access, context);
  agree("format", "FORMAT_MISMATCH", source.format, result.format);
  if (source.sizeBytes !== undefined && source.bundle === undefined) {
    agree("stored size", "SIZE_MISMATCH", source.sizeBytes, result.sizeBytes);
  }
  if (diskDigest.algorithm !== DIGEST_ALGORITHM) {
    throw differs("MANIFEST_INVALID", name, "digest algorithm", DIGEST_ALGORITHM, diskDigest.algorithm);
  }
  const digest = await digestSource(source, context);
  agree("virtual size", "SIZE_MISMATCH", digest.sizeBytes, result.virtualSizeBytes);
  agree("disk digest", "DIGEST_MISMATCH", digest.digest, diskDigest.value);
  return { manifest, facts };
}

/** A fixed VHD in a pipe or behind a server without ranges can only be told by what the manifest says. */
function given(options: VerifyOptions, stated: string): SourceOptions {
  const format = parseDiskFormat(stated);
  return format === "vhd" ? { ...options, from: format } : options;
}

/** A result that nothing is stated of is the commonest mistake, and "not found" alone would be taken for the result. */
async function readManifest(
  manifestAt: Location,
  result: Location,
  access: Access,
  context: Context,
): Promise<Buffer> {
  try {
    return await readSmall(manifestAt, access, context);
  } catch (cause) {
    if (!(cause instanceof ImportError && cause.code === "SOURCE_NOT_FOUND")) throw cause;
    const [name, missing] = [locationName(result), locationName(manifestAt)];
    throw new ImportError(
      "SOURCE_NOT_FOUND",
      `Cannot verify "${name}" as its result manifest "${missing}" does not exist`,
      { cause, remedy: "Say where it is with --manifest; only what diskferry convert made has one" },
    );
  }
}

async function readSmall(location: Location, access: Access, context: Context): Promise<Buffer> {
  return await firstBytes(openLocation(location, access).bytes(context), MAX_RESULT_BYTES + 1);
}

function differs(code: ErrorCode, name: string, what: string, found: string, stated: string): ImportError {
  return new ImportError(
    code,
    `Cannot confirm "${name}" as its ${what} is ${found}: ${stated} is stated in its result manifest`,
    { remedy: "Do not use this result: fetch or convert it again, and find out who changed it" },
  );
}
