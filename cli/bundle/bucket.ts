import type { BucketLocationConstraint, ObjectCannedACL } from "@aws-sdk/client-s3";
import type { Context } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import type { PartStore } from "../../stages/part-store.ts";
import { formatS3Url, type S3Access, type S3Location } from "../../stages/s3-access.ts";
import type { BucketPath } from "./place.ts";

/** What euca2ools offers: the last two let the services of a cloud read a bundle. */
export const CANNED_ACLS = ["public-read", "aws-exec-read", "ec2-bundle-read"] as const;

export type CannedAcl = (typeof CANNED_ACLS)[number];

/** Makes the bucket if it is not there. Throws DESTINATION_FORBIDDEN, DESTINATION_UNAVAILABLE. */
export async function ensureBucket(
  bucket: string,
  access: S3Access,
  context: Context,
  options: { readonly location?: string } = {},
): Promise<void> {
  const attempt = { action: "write", name: `s3://${bucket}`, side: "destination" } as const;
  const { signal: abortSignal } = context;
  try {
    await access.call(attempt, context, ({ sdk, client }) =>
      client.send(new sdk.HeadBucketCommand({ Bucket: bucket }), { abortSignal }),
    );
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    // Credentials that may write but not look: the upload itself will tell.
    if (error.code === "DESTINATION_FORBIDDEN") return;
    if (error.code !== "DESTINATION_NOT_FOUND") throw error;
    await access.call({ ...attempt, action: "make" }, context, ({ sdk, client }) =>
      client.send(
        new sdk.CreateBucketCommand({
          Bucket: bucket,
          ...(options.location === undefined
            ? {}
            : { CreateBucketConfiguration: { LocationConstraint: asConstraint(options.location) } }),
        }),
        { abortSignal },
      ),
    );
  }
}

/** Removes a bucket; one that still holds something stays, and throws DESTINATION_EXISTS. */
export async function removeBucket(bucket: string, access: S3Access, context: Context): Promise<void> {
  const attempt = { action: "delete", name: `s3://${bucket}`, side: "destination" } as const;
  await access.call(attempt, context, async ({ sdk, client }) => {
    try {
      await client.send(new sdk.DeleteBucketCommand({ Bucket: bucket }), { abortSignal: context.signal });
    } catch (error) {
      if (!(error instanceof sdk.S3ServiceException && error.name === "BucketNotEmpty")) throw error;
      throw new ImportError(
        "DESTINATION_EXISTS",
        `Cannot delete "s3://${bucket}" as other objects are in it`,
        {
          cause: error,
          remedy: "Leave out --clear, or delete the other objects first",
        },
      );
    }
  });
}

/** Gives the readers that the ACL stands for access to an object. */
export async function grant(
  acl: CannedAcl,
  location: S3Location,
  access: S3Access,
  context: Context,
): Promise<void> {
  const attempt = { action: "grant reading of", name: formatS3Url(location), side: "destination" } as const;
  await access.call(attempt, context, ({ sdk, client }) =>
    client.send(
      new sdk.PutObjectAclCommand({ Bucket: location.bucket, Key: location.key, ACL: asAcl(acl) }),
      {
        abortSignal: context.signal,
      },
    ),
  );
}

/** The same store, which also gives access to what it publishes. Without an ACL nobody is given any. */
export function granting(
  acl: CannedAcl | undefined,
  { bucket, prefix }: BucketPath,
  access: S3Access,
  store: PartStore,
): PartStore {
  if (acl === undefined) return store;
  return {
    ...store,
    async publish(fileNames, context) {
      await store.publish(fileNames, context);
      for (const fileName of fileNames) await grant(acl, { bucket, key: prefix + fileName }, access, context);
    },
  };
}

function asAcl(acl: CannedAcl): ObjectCannedACL {
  // oxlint-disable-next-line no-unsafe-type-assertion -- the SDK lists what AWS has today; Eucalyptus has one more
  return acl as ObjectCannedACL;
}

function asConstraint(location: string): BucketLocationConstraint {
  // oxlint-disable-next-line no-unsafe-type-assertion -- the SDK lists AWS's regions; other stores have their own
  return location as BucketLocationConstraint;
}
