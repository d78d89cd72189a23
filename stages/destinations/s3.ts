import type { Context, Destination, Draft } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { formatBytes } from "../../pipeline/units.ts";
import { formatS3Url, type S3Access, type S3Location } from "../s3-access.ts";
import { headObject, type S3Head } from "../s3-head.ts";
import type { S3Attempt } from "../s3-errors.ts";
import { startUpload } from "./s3-upload.ts";

export interface S3DestinationOptions {
  /** Whether an object that is there already is replaced. Default false: DESTINATION_EXISTS. */
  readonly overwrite?: boolean;
}

/**
 * An object of an S3 store, by multipart upload, or one PUT when it fits one part. Opening it looks whether the bucket can
 * be reached and nothing is there; `write` uploads all parts but the last; only `commit` completes the upload, and then
 * looks at the size that the store tells. Any other ending aborts the upload, so that no parts stay behind.
 *
 * Every part is signed with the SHA-256 of its content, which AWS, Ceph RGW and Swift check: damage on the way is
 * refused and sent again. Of checksum headers only Content-MD5 is checked by all three; it is sent where nothing is
 * signed. Throws DESTINATION_EXISTS, DESTINATION_NOT_FOUND, DESTINATION_FORBIDDEN, DESTINATION_FULL, CLOCK_SKEW,
 * DESTINATION_UNAVAILABLE after repeated tries, SIZE_MISMATCH when the store holds another size than was sent.
 */
export function s3Destination(
  location: S3Location,
  access: S3Access,
  options: S3DestinationOptions = {},
): Destination {
  const { overwrite = false } = options;
  const name = formatS3Url(location);
  const writing: S3Attempt = { action: "write", name, side: "destination" };

  async function find(context: Context): Promise<S3Head | undefined> {
    try {
      return await headObject(access, location, writing, context);
    } catch (error) {
      if (error instanceof ImportError && error.code === "DESTINATION_NOT_FOUND") return undefined;
      throw error;
    }
  }

  async function refuseExisting(context: Context): Promise<void> {
    const found = await find(context);
    if (found === undefined) return;
    throw new ImportError(
      "DESTINATION_EXISTS",
      `Cannot write "${name}" as there is an object of ${formatBytes(found.sizeBytes)} already`,
      { remedy: "Choose another key, or replace it with --force" },
    );
  }

  /** A HEAD cannot tell a missing key from a missing bucket. */
  async function demandBucket(context: Context): Promise<void> {
    const attempt = { ...writing, name: `s3://${location.bucket}` };
    try {
      await access.call(attempt, context, ({ sdk, client }) =>
        client.send(new sdk.HeadBucketCommand({ Bucket: location.bucket }), { abortSignal: context.signal }),
      );
    } catch (error) {
      // Credentials that may only write are not allowed to look; the upload itself will tell.
      if (!(error instanceof ImportError) || error.code !== "DESTINATION_FORBIDDEN") throw error;
    }
  }

  return {
    name,
    async open(context, { sizeBytes }): Promise<Draft> {
      await demandBucket(context);
      if (!overwrite) await refuseExisting(context);
      const upload = await startUpload({ location, access, attempt: writing, sizeBytes }, context);
      return {
        write: (bytes) => upload.write(bytes),
        async commit() {
          context.signal.throwIfAborted();
          // Conditional writes are not known to Swift, so a small window stays open.
          if (!overwrite) await refuseExisting(context);
          const { sizeBytes: sentBytes, etag } = await upload.complete();
          const stored = await confirm(context);
          if (stored !== undefined && stored.sizeBytes !== sentBytes)
            throw otherSize(stored.sizeBytes, sentBytes);
          // Ceph RGW leaves the ETag out of the answer that completes an upload.
          const known = stored?.etag ?? etag;
          return { name, sizeBytes: sentBytes, ...(known === undefined ? {} : { etag: known }) };
        },
        [Symbol.asyncDispose]: () => upload.discard(),
      };
    },
  };

  /** What the store holds now; undefined when these credentials may write but not read. */
  async function confirm(context: Context): Promise<S3Head | undefined> {
    try {
      return await headObject(access, location, writing, context);
    } catch (error) {
      if (!(error instanceof ImportError) || error.code !== "DESTINATION_FORBIDDEN") throw error;
      context.log.warn("wrote an object that may not be looked at", { name });
      return undefined;
    }
  }

  function otherSize(storedBytes: number, sentBytes: number): ImportError {
    return new ImportError(
      "SIZE_MISMATCH",
      `Cannot confirm "${name}" as the store holds ${storedBytes} bytes: sent were ${sentBytes}`,
      { remedy: "Check who else writes this key, then write it again" },
    );
  }
}
