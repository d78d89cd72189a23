import type { Destination } from "../pipeline/contract.ts";
import { ImportError } from "../pipeline/errors.ts";
import { fileDestination } from "../stages/destinations/file.ts";
import { s3Destination } from "../stages/destinations/s3.ts";
import type { Access } from "../worker/access.ts";
import { type Location, locationName } from "../worker/location.ts";

export interface DocumentOptions {
  /** Appended to the name. Default: nothing. */
  readonly suffix?: string;
  /** Default false. */
  readonly overwrite?: boolean;
}

/** Where a small document goes, such as a manifest. Throws ARGUMENT_INVALID for what is neither a path nor an S3 address. */
export function documentDestination(
  location: Location,
  access: Pick<Access, "s3">,
  options: DocumentOptions = {},
): Destination {
  const { suffix = "", overwrite = false } = options;
  if (location.kind === "file") return fileDestination(location.path + suffix, { overwrite });
  if (location.kind === "s3") {
    const { bucket, key } = location;
    return s3Destination({ bucket, key: key + suffix }, access.s3, { overwrite });
  }
  throw new ImportError("ARGUMENT_INVALID", `Cannot write a manifest to "${locationName(location)}"`, {
    remedy: "Name a path or s3://BUCKET/KEY",
  });
}
