import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context, Destination, Source } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { fileDestination } from "../../stages/destinations/file.ts";
import { s3Destination } from "../../stages/destinations/s3.ts";
import type { S3Access } from "../../stages/s3-access.ts";
import { deleteS3Objects } from "../../stages/s3-objects.ts";
import { fileSource } from "../../stages/sources/file.ts";
import { s3Source } from "../../stages/sources/s3.ts";

/** Where the files of a bundle are, or are to go: all side by side. */
export interface BundlePlace {
  /** Of a file there, for people. */
  nameOf(fileName: string): string;
  source(fileName: string): Source;
  destination(fileName: string, options: { readonly overwrite: boolean }): Destination;
  /** Files that are not there count as removed. */
  remove(fileNames: readonly string[], context: Context): Promise<void>;
}

export function folderPlace(folder: string): BundlePlace {
  const at = (fileName: string) => join(folder, fileName);
  return {
    nameOf: at,
    source: (fileName) => fileSource(at(fileName)),
    destination: (fileName, options) => fileDestination(at(fileName), options),
    async remove(fileNames) {
      for (const fileName of fileNames) await rm(at(fileName), { force: true });
    },
  };
}

/** A bucket, and what all keys of the bundle begin with: empty, or ending in a slash. */
export interface BucketPath {
  readonly bucket: string;
  readonly prefix: string;
}

/** Reads euca2ools' `BUCKET[/PREFIX]`, and the same after `s3://`. Throws ARGUMENT_INVALID. */
export function parseBucketPath(text: string): BucketPath {
  const [bucket = "", ...rest] = text.replace(/^s3:\/\//i, "").split("/");
  const prefix = rest.filter((part) => part !== "").join("/");
  if (bucket === "" || bucket.includes(":")) {
    throw new ImportError("ARGUMENT_INVALID", `Cannot use "${text}" as a bucket`, {
      remedy: "Write it as BUCKET or BUCKET/PREFIX",
    });
  }
  return { bucket, prefix: prefix === "" ? "" : `${prefix}/` };
}

export function bucketPlace({ bucket, prefix }: BucketPath, access: S3Access): BundlePlace {
  const at = (fileName: string) => ({ bucket, key: prefix + fileName });
  return {
    nameOf: (fileName) => `s3://${bucket}/${prefix}${fileName}`,
    source: (fileName) => s3Source(at(fileName), access),
    destination: (fileName, options) => s3Destination(at(fileName), access, options),
    remove: (fileNames, context) =>
      deleteS3Objects(
        access,
        bucket,
        fileNames.map((fileName) => prefix + fileName),
        context,
      ),
  };
}
