import { readFile } from "node:fs/promises";
import type { KeyObject, X509Certificate } from "node:crypto";
import { InvalidArgumentError } from "commander";
import { parseCertificate, parsePrivateKey } from "../../manifest/pem.ts";
import { type DiskFormat, DISK_FORMATS, parseDiskFormat } from "../../pipeline/disk-format.ts";
import { type ErrorCode, ImportError, systemCode } from "../../pipeline/errors.ts";
import { parseSize } from "../../pipeline/units.ts";
import { type Location, parseLocation } from "../../worker/location.ts";

/** `10m` → bytes. For commander: throws what it turns into a usage error. */
export function sizeValue(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined)
    throw new InvalidArgumentError("A size is wanted, such as 10485760, 10m or 1.5GiB.");
  return bytes;
}

export function formatValue(text: string): DiskFormat {
  const format = parseDiskFormat(text);
  if (format === undefined) {
    throw new InvalidArgumentError(
      `A disk format is wanted, one of ${Object.keys(DISK_FORMATS).join(", ")}.`,
    );
  }
  return format;
}

export function locationValue(text: string): Location {
  try {
    return parseLocation(text);
  } catch (error) {
    // A usage error says in one line what is wrong; the remedy belongs to it.
    if (error instanceof ImportError)
      throw new InvalidArgumentError(`${error.message}. ${error.remedy ?? ""}`);
    throw error;
  }
}

/** The location that a required argument names. Throws ARGUMENT_INVALID. */
export function parseLocationArgument(args: readonly string[], index: number): Location {
  return parseLocation(args[index] ?? "");
}

/** `A,B` → both; empty entries are left out. */
export function listValue(text: string): readonly string[] {
  return text.split(",").filter((entry) => entry !== "");
}

export interface NamedKey {
  readonly key: KeyObject;
  /** The file, for messages. */
  readonly name: string;
}

/** A private key in a PEM file. Throws KEY_INVALID, also when there is no such file. */
export async function readKey(path: string): Promise<NamedKey> {
  return { key: parsePrivateKey(await readSmall(path, "KEY_INVALID"), path), name: path };
}

/** A certificate in a PEM file. Throws KEY_INVALID, also when there is no such file. */
export async function readCertificate(path: string): Promise<X509Certificate> {
  return parseCertificate(await readSmall(path, "KEY_INVALID"), path);
}

async function readSmall(path: string, code: ErrorCode): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new ImportError(code, `Cannot read "${path}": ${systemCode(error) ?? "unknown error"}`, {
      cause: error,
      remedy: "Name a PEM file that exists and that you may read",
    });
  }
}
