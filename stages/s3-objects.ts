import type { Context } from "../pipeline/contract.ts";
import { ImportError } from "../pipeline/errors.ts";
import type { S3Access } from "./s3-access.ts";
import { addContentMd5 } from "./s3-content-md5.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
const MAX_DELETES = 1000;

/**
 * Deletes objects; those that are not there count as deleted. Throws DESTINATION_FORBIDDEN when the store refused one,
 * naming the first, after it has tried all; DESTINATION_NOT_FOUND for the bucket, DESTINATION_UNAVAILABLE.
 */
export async function deleteS3Objects(
  access: S3Access,
  bucket: string,
  keys: readonly string[],
  context: Context,
): Promise<void> {
  const attempt = { action: "delete from", name: `s3://${bucket}`, side: "destination" } as const;
  const deleting = await access.newClient(context.signal);
  addContentMd5(deleting);
  const refused: string[] = [];
  for (let at = 0; at < keys.length; at += MAX_DELETES) {
    const Objects = keys.slice(at, at + MAX_DELETES).map((Key) => ({ Key }));
    const { Errors = [] } = await access.call(attempt, context, ({ sdk }) =>
      deleting.send(new sdk.DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }), {
        abortSignal: context.signal,
      }),
    );
    for (const { Key, Code } of Errors)
      if (Code !== "NoSuchKey") refused.push(`${Key ?? "?"}" (${Code ?? "?"})`);
  }
  const [first] = refused;
  if (first === undefined) return;
  throw new ImportError(
    "DESTINATION_FORBIDDEN",
    `Cannot delete ${refused.length} of ${keys.length} objects in "s3://${bucket}", first "${first}`,
    { remedy: "Check that these credentials may delete there" },
  );
}

/** The keys that begin with `prefix`, in the store's order, page by page. Throws SOURCE_NOT_FOUND, SOURCE_FORBIDDEN. */
export async function* listS3Keys(
  access: S3Access,
  bucket: string,
  prefix: string,
  context: Context,
): AsyncGenerator<string, void, void> {
  const attempt = { action: "list", name: `s3://${bucket}/${prefix}`, side: "source" } as const;
  let token: string | undefined;
  do {
    const page = await access.call(attempt, context, ({ sdk, client }) =>
      client.send(
        new sdk.ListObjectsV2Command({
          Bucket: bucket,
          Prefix: prefix,
          ...(token === undefined ? {} : { ContinuationToken: token }),
        }),
        { abortSignal: context.signal },
      ),
    );
    for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key;
    token = page.NextContinuationToken;
  } while (token !== undefined);
}
