import type { HeadObjectCommandOutput } from "@aws-sdk/client-s3";
import type { Context } from "../pipeline/contract.ts";
import { ImportError } from "../pipeline/errors.ts";
import type { S3Access, S3Location } from "./s3-access.ts";
import { answerStatus, type S3Attempt } from "./s3-errors.ts";

export interface S3Head {
  readonly sizeBytes: number;
  /** Without quotes, as stores differ in them; absent when the store tells none. */
  readonly etag?: string;
}

/**
 * Size and ETag of an object. A refused HEAD has no body that says why, so a small GET asks again for the reason.
 * Throws what `s3Error` makes of it: SOURCE_NOT_FOUND, DESTINATION_NOT_FOUND and so on.
 */
export async function headObject(
  access: S3Access,
  location: S3Location,
  attempt: S3Attempt,
  context: Context,
): Promise<S3Head> {
  const input = { Bucket: location.bucket, Key: location.key };
  const { signal } = context;
  const head = await access.call(attempt, context, async ({ sdk, client }) => {
    try {
      return await client.send(new sdk.HeadObjectCommand(input), { abortSignal: signal });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const asked = await client.send(new sdk.GetObjectCommand({ ...input, Range: "bytes=0-0" }), {
        abortSignal: signal,
      });
      await asked.Body?.transformToByteArray(); // one byte, so that the connection can be used again
      throw error;
    }
  });
  const sizeBytes = size(head);
  if (sizeBytes === undefined) {
    throw new ImportError(
      "SOURCE_UNSUITABLE",
      `Cannot use "${attempt.name}" as the store does not tell its size`,
      {
        remedy: "Check that the endpoint is that of an S3 service",
      },
    );
  }
  const etag = unquoted(head.ETag);
  return { sizeBytes, ...(etag === undefined ? {} : { etag }) };
}

/** `"abc"` → `abc`; an empty one is none. */
export function unquoted(etag: string | undefined): string | undefined {
  const bare = etag?.replaceAll('"', "");
  return bare === "" ? undefined : bare;
}

function size({ ContentLength }: HeadObjectCommandOutput): number | undefined {
  return Number.isSafeInteger(ContentLength) ? ContentLength : undefined;
}

/** Any refusal but "not there", which a HEAD can say by itself. */
function isRefusal(error: unknown): boolean {
  const status = answerStatus(error);
  return status !== undefined && status >= 300 && status < 500 && status !== 404 && status !== 429;
}
