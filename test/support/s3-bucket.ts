import { randomUUID } from "node:crypto";
import type { S3Client } from "@aws-sdk/client-s3";
import { type S3Access, s3Access, type S3Options, type S3Sdk } from "../../stages/s3-access.ts";
import { s3Server, type TestS3 } from "./s3-server.ts";

/** A bucket of its own for a test, on the real S3 server of the run. */
export interface TestBucket {
  readonly bucket: string;
  readonly server: TestS3;
  readonly access: S3Access;
  readonly sdk: S3Sdk;
  readonly client: S3Client;
  /** Access to the same bucket with other options, such as the endpoint of a fault proxy. */
  readonly accessWith: (options: S3Options) => S3Access;
  readonly put: (key: string, content: Uint8Array) => Promise<void>;
  /** The content of an object, or undefined where there is none. */
  readonly get: (key: string) => Promise<Uint8Array | undefined>;
  /** Multipart uploads that were neither completed nor aborted. */
  readonly uploadCount: () => Promise<number>;
}

/** Tries without waiting, so that tests of failures take no time. */
export const IMPATIENT = { tryCount: 3, pause: async () => {} } as const;

export async function s3Bucket(): Promise<TestBucket> {
  const server = await s3Server();
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  const accessWith = (options: S3Options) =>
    s3Access({
      endpoint,
      retry: IMPATIENT,
      ...(options.anonymous === true ? {} : { credentials }),
      ...options,
    });
  const access = accessWith({});
  const { sdk, client } = await access.open();
  const bucket = `test-${randomUUID()}`;
  await client.send(new sdk.CreateBucketCommand({ Bucket: bucket }));
  return {
    bucket,
    server,
    access,
    sdk,
    client,
    accessWith,
    async put(key, content) {
      await client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key: key, Body: content }));
    },
    async get(key) {
      try {
        const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key }));
        return await Body?.transformToByteArray();
      } catch (error) {
        if (error instanceof sdk.NoSuchKey) return undefined;
        throw error;
      }
    },
    async uploadCount() {
      const { Uploads = [] } = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket: bucket }));
      return Uploads.length;
    },
  };
}
