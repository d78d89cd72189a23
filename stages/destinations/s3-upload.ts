import { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import type { Bytes, Context } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { retry } from "../../pipeline/retry.ts";
import { formatBytes } from "../../pipeline/units.ts";
import { noteRetry } from "../remote.ts";
import type { S3Access, S3Location } from "../s3-access.ts";
import { addContentMd5 } from "../s3-content-md5.ts";
import { answerStatus, type S3Attempt, s3Error } from "../s3-errors.ts";
import { unquoted } from "../s3-head.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const MAX_PARTS = 10_000;
/** 16 MiB was as fast as larger parts on near stores; a content of unknown size may so grow to 156 GiB. */
const PART_BYTES = 16 * 1024 * 1024;
/** Parts on their way and the one being gathered, which the SDK joins by copying. */
const MEMORY_BYTES = 64 * 1024 * 1024;
const MAX_PARALLEL_PARTS = 3;
/** A person waits for the end of a run that failed or was cancelled. */
const CLEAN_UP_MS = 20_000;
/** Larger than anything one part's memory allows within the whole program's; S3 itself ends at 5 TiB. */
const MAX_PART_BYTES = 64 * 1024 * 1024;

export interface UploadTarget {
  readonly location: S3Location;
  readonly access: S3Access;
  readonly attempt: S3Attempt;
  readonly sizeBytes: number | undefined;
}

/** One upload of one object, which ends in exactly one of `complete` and `discard`. */
export interface S3Upload {
  /** Sends `bytes` but for the last part. Called at most once. */
  write(bytes: Bytes): Promise<void>;
  /** Sends the last part and makes the object visible. */
  complete(): Promise<{ readonly sizeBytes: number; readonly etag: string | undefined }>;
  /** Ends whatever runs and removes the parts from the store; does nothing once completed. */
  discard(): Promise<void>;
}

/** Part length and how many are sent at a time, so that the content fits the number of parts and the parts the memory. */
export function uploadPlan(sizeBytes = 0): { readonly partSize: number; readonly queueSize: number } {
  const mib = 1024 * 1024;
  const partSize = Math.max(PART_BYTES, Math.ceil(sizeBytes / MAX_PARTS / mib) * mib);
  if (partSize > MAX_PART_BYTES) {
    throw new ImportError(
      "SIZE_EXCEEDED",
      `Cannot upload ${formatBytes(sizeBytes)} as one object: at most ${formatBytes(MAX_PARTS * MAX_PART_BYTES)} can be sent`,
      { remedy: "Compress the image, or write it as a bundle of several parts" },
    );
  }
  const queueSize = Math.min(MAX_PARALLEL_PARTS, Math.max(1, Math.floor(MEMORY_BYTES / partSize) - 1));
  return { partSize, queueSize };
}

/**
 * Prepares an upload; nothing is sent before `write`. The SDK's `Upload` completes by itself when its stream ends. So the
 * stream is held open after the last byte until `complete`, and the SDK holds back the last part until then. It also
 * goes on with other parts when one has failed, so a failed request ends the stream here.
 */
export async function startUpload(target: UploadTarget, context: Context): Promise<S3Upload> {
  const { location, access, attempt } = target;
  const { partSize, queueSize } = uploadPlan(target.sizeBytes);
  const { Upload } = await import("@aws-sdk/lib-storage");
  const ending = new AbortController();
  const signal = AbortSignal.any([context.signal, ending.signal]);
  const commit = Promise.withResolvers<void>();
  const allTaken = Promise.withResolvers<void>();
  commit.promise.catch(() => {});
  allTaken.promise.catch(() => {});
  const client = await access.newClient(signal);
  let sizeBytes = 0;
  let state: "open" | "completed" | "discarded" = "open";
  let running:
    | { readonly done: Promise<string | undefined>; readonly id: () => string | undefined }
    | undefined;

  const fail = (error: unknown): void => ending.abort(error);
  repeatParts(client, { access, attempt, context, signal, fail });

  async function* body(bytes: Bytes): Bytes {
    const limitBytes = partSize * MAX_PARTS;
    for await (const chunk of bytes) {
      signal.throwIfAborted();
      sizeBytes += chunk.byteLength;
      if (sizeBytes > limitBytes) throw tooLarge(attempt.name, limitBytes);
      if (chunk.byteLength > 0) yield chunk;
    }
    allTaken.resolve();
    await commit.promise;
  }

  function start(bytes: Bytes): void {
    const onAbort = () => commit.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const upload = new Upload({
      client,
      params: {
        Bucket: location.bucket,
        Key: location.key,
        Body: Readable.from(body(bytes), { highWaterMark: 1 }),
      },
      partSize,
      queueSize,
      leavePartsOnError: true, // removed in `discard`, which also waits for it
    });
    const done = upload
      .done()
      .then(({ ETag }) => unquoted(ETag))
      .finally(() => signal.removeEventListener("abort", onAbort));
    done.then(() => allTaken.resolve(), allTaken.reject);
    running = { done, id: () => upload.uploadId };
  }

  /** The first failure, which is why the stream was ended, and not what the SDK made of that. */
  async function reported<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw error;
    }
  }

  async function discard(): Promise<void> {
    if (state !== "open") return;
    state = "discarded";
    ending.abort(new Error("discarded"));
    commit.reject(new Error("discarded"));
    if (running === undefined) return;
    await running.done.catch(() => {}); // its failure was reported by `write` or `complete`
    const UploadId = running.id();
    if (UploadId === undefined) return;
    await removeParts(target, UploadId, context);
  }

  return {
    async write(bytes) {
      start(bytes);
      await reported(allTaken.promise);
    },
    async complete() {
      if (running === undefined) throw new TypeError("An upload is completed after it was written");
      commit.resolve();
      const etag = await reported(running.done);
      state = "completed";
      return { sizeBytes, etag };
    },
    discard,
  };
}

interface Repeating {
  readonly access: S3Access;
  readonly attempt: S3Attempt;
  readonly context: Context;
  readonly signal: AbortSignal;
  readonly fail: (error: unknown) => void;
}

/** Makes `client` repeat by our policy, stop with the signal, and report what it gives up. */
function repeatParts(client: S3Client, { access, attempt, context, signal, fail }: Repeating): void {
  const policy = { ...access.retry, onRetry: noteRetry(attempt.action, context) };
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await retry(
          async () => {
            try {
              return await next(args);
            } catch (error) {
              throw s3Error(error, attempt, Date.now());
            }
          },
          { ...policy, signal },
        );
      } catch (error) {
        fail(error);
        throw error;
      }
    },
    { step: "initialize", priority: "high", name: "repeat" },
  );
  if (access.anonymous) addContentMd5(client); // nothing is signed then
}

/** Waits for the store to be rid of the parts; that it could not be, is logged, as a failure is being reported already. */
async function removeParts(
  { location, access, attempt }: UploadTarget,
  UploadId: string,
  context: Context,
): Promise<void> {
  const input = { Bucket: location.bucket, Key: location.key, UploadId };
  // The run's own signal may be aborted: cleaning up has its own time.
  const cleaning = { ...context, signal: AbortSignal.timeout(CLEAN_UP_MS) };
  try {
    await access.call({ ...attempt, action: "clean up" }, cleaning, async ({ sdk, client }) => {
      try {
        await client.send(new sdk.AbortMultipartUploadCommand(input), { abortSignal: cleaning.signal });
      } catch (error) {
        if (answerStatus(error) !== 404) throw error; // gone already
      }
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    context.log.warn("parts of an upload stay behind", { name: attempt.name, uploadId: UploadId, reason });
  }
}

function tooLarge(name: string, limitBytes: number): ImportError {
  return new ImportError(
    "SIZE_EXCEEDED",
    `Cannot write "${name}" as its size was not known beforehand and is more than ${formatBytes(limitBytes)}`,
    { remedy: "Write to a file first, then upload the file" },
  );
}
