import { Readable } from "node:stream";
import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";
import type { Bytes, Context, Source, SourceFacts } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { noteRetry } from "../remote.ts";
import { formatS3Url, type S3Access, type S3Location } from "../s3-access.ts";
import { headObject, type S3Head, unquoted } from "../s3-head.ts";
import type { S3Attempt } from "../s3-errors.ts";
import { type Chunks, cut, inOrder, wholePiece } from "./pieces.ts";
import { readAll } from "./response-body.ts";

/**
 * An object of an S3 store, read by ranges in parallel and passed on in order; see `pieces.ts` for the bounds. The ETag
 * of the first look is demanded of every range (If-Match): an object that is replaced meanwhile throws SOURCE_CHANGED.
 * Also throws SOURCE_NOT_FOUND, SOURCE_FORBIDDEN, SOURCE_UNAVAILABLE after repeated tries, SOURCE_UNSUITABLE when the
 * store ignores ranges, CLOCK_SKEW, and ARGUMENT_INVALID for a wrong region.
 */
export function s3Source(location: S3Location, access: S3Access): Source {
  const name = formatS3Url(location);
  const attempt: S3Attempt = { action: "read", name, side: "source" };
  let head: Promise<S3Head> | undefined;

  async function look(context: Context): Promise<S3Head> {
    head ??= headObject(access, location, attempt, context);
    try {
      return await head;
    } catch (error) {
      head = undefined; // a failure, unlike an answer, may be different next time
      throw error;
    }
  }

  async function fetch(offset: number, length: number, seen: S3Head, context: Context): Promise<Chunks> {
    const { signal } = context;
    const { idleTimeoutMs } = access;
    const options = { ...access.retry, signal, onRetry: noteRetry("read", context) };
    return await wholePiece(
      length,
      async (filled) => {
        const first = offset + filled;
        const range = `bytes=${first}-${offset + length - 1}`;
        const answer = await access.once(attempt, context, ({ sdk, client }) =>
          client.send(
            new sdk.GetObjectCommand({
              Bucket: location.bucket,
              Key: location.key,
              Range: range,
              ...(seen.etag === undefined ? {} : { IfMatch: `"${seen.etag}"` }),
            }),
            { abortSignal: signal },
          ),
        );
        const body = checked(answer, first, offset + length, seen);
        return await readAll(body, length - filled, { name, signal, idleTimeoutMs });
      },
      options,
    );
  }

  /** The body of an answer that is what was asked for; any other is closed. */
  function checked(answer: GetObjectCommandOutput, first: number, end: number, seen: S3Head): Readable {
    const { Body: body, ContentRange: found, ETag: etag } = answer;
    if (!(body instanceof Readable)) throw new TypeError("The SDK gave a body that is no Readable");
    const wanted = `bytes ${first}-${end - 1}/${seen.sizeBytes}`;
    if (found === wanted && (seen.etag === undefined || unquoted(etag) === seen.etag)) return body;
    body.destroy();
    if (found === undefined) {
      throw new ImportError(
        "SOURCE_UNSUITABLE",
        `Cannot read "${name}" by ranges as the store ignores them`,
        {
          remedy: "Use a store, or a proxy in front of it, that answers Range requests",
        },
      );
    }
    throw new ImportError(
      "SOURCE_CHANGED",
      `Cannot read on in "${name}" as it was replaced meanwhile: the store sends "${found}" instead of "${wanted}"`,
      { remedy: "Start again when nobody writes it any more" },
    );
  }

  async function* bytes(context: Context, fromByte = 0): Bytes {
    const seen = await look(context);
    const pieces = cut(fromByte, seen.sizeBytes);
    yield* inOrder(pieces, ({ offset, length }, inner) => fetch(offset, length, seen, inner), context);
  }

  return {
    name,
    async facts(context): Promise<SourceFacts> {
      const { sizeBytes, etag } = await look(context);
      return { sizeBytes, seekable: true, ...(etag === undefined ? {} : { identity: etag }) };
    },
    bytes,
  };
}
