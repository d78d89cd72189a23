import { stat } from "node:fs/promises";
import type { Destination } from "../pipeline/contract.ts";
import { DISK_FORMATS, parseDiskFormat, type TargetFormat } from "../pipeline/disk-format.ts";
import { ImportError } from "../pipeline/errors.ts";
import type { TargetToPlan } from "../pipeline/plan.ts";
import { zeroDevice } from "../programs/blkdiscard.ts";
import { blockDeviceDestination } from "../stages/destinations/block-device.ts";
import { fileDestination } from "../stages/destinations/file.ts";
import { s3Destination } from "../stages/destinations/s3.ts";
import { streamDestination } from "../stages/destinations/stream.ts";
import type { Access } from "./access.ts";
import { type Location, locationExtension, locationName } from "./location.ts";

/** What is appended to a result's name for its result manifest. */
export const RESULT_MANIFEST_SUFFIX = ".diskferry.json";

/** Where a result goes and in which format. */
export interface Target {
  readonly name: string;
  readonly kind: TargetToPlan["kind"];
  readonly format: TargetFormat;
  readonly destination: Destination;
  /**
   * A file beside the result whose name is longer by `suffix`, replaced if it is there; a pipe or a device has no place
   * beside it.
   */
  readonly beside?: (suffix: string) => Destination;
}

export interface TargetOptions {
  /** Default: what the extension of the location says, and raw for a pipe or device. */
  readonly to?: TargetFormat;
  /** Whether what is there is replaced. Default false. */
  readonly overwrite?: boolean;
}

/** The destination that a location names; nothing is opened yet. Throws ARGUMENT_INVALID. */
export async function resolveTarget(
  location: Location,
  options: TargetOptions,
  access: Access,
): Promise<Target> {
  const name = locationName(location);
  const { overwrite = false } = options;
  switch (location.kind) {
    case "pipe":
      return {
        name,
        kind: "pipe",
        format: options.to ?? { format: "raw" },
        destination: streamDestination(access.output, name),
      };
    case "s3": {
      const { bucket, key } = location;
      return {
        name,
        kind: "object",
        format: options.to ?? formatOf(location),
        destination: s3Destination({ bucket, key }, access.s3, { overwrite }),
        beside: (suffix) => s3Destination({ bucket, key: key + suffix }, access.s3, { overwrite: true }),
      };
    }
    case "file":
      if (await isBlockDevice(location.path)) {
        const destination = blockDeviceDestination(location.path, { zeroRange: zeroDevice });
        return { name, kind: "device", format: options.to ?? { format: "raw" }, destination };
      }
      return {
        name,
        kind: "file",
        format: options.to ?? formatOf(location),
        destination: fileDestination(location.path, { overwrite }),
        beside: (suffix) => fileDestination(location.path + suffix, { overwrite: true }),
      };
    case "http":
      throw new ImportError(
        "ARGUMENT_INVALID",
        `Cannot write to "${name}" as HTTP has no common way to store`,
        {
          remedy: "Use a path, s3://BUCKET/KEY, or - for a pipe",
        },
      );
  }
}

function formatOf(location: Location): TargetFormat {
  const extension = locationExtension(location);
  const format = extension === "" ? undefined : parseDiskFormat(extension);
  if (format !== undefined) return { format };
  throw new ImportError(
    "ARGUMENT_INVALID",
    `Cannot tell the format wanted of "${locationName(location)}" by its name`,
    {
      remedy: `Say it with --to, one of ${Object.keys(DISK_FORMATS).join(", ")}`,
    },
  );
}

async function isBlockDevice(path: string): Promise<boolean> {
  // What is not there yet will be a file; what cannot be looked at is reported when it is opened.
  return await stat(path).then(
    (stats) => stats.isBlockDevice(),
    () => false,
  );
}
