// What S3 → file is compared with: the same object by parallel ranged GETs of the SDK, each written where it belongs.
// No retries, no checks, no digest. Arguments: endpoint, bucket, key, size, file. Credentials: the environment.
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { open } from "node:fs/promises";

const [endpoint, Bucket, Key, size, path] = process.argv.slice(2);
if (endpoint === undefined || size === undefined || path === undefined)
  throw new Error("Five arguments are needed");

const RANGE_BYTES = 8 * 1024 * 1024;
const CONCURRENCY = 6;

const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true });
await using file = await open(path, "w");
let next = 0;
await Promise.all(
  Array.from({ length: CONCURRENCY }, async () => {
    while (next < Number(size)) {
      const start = next;
      next += RANGE_BYTES;
      const Range = `bytes=${start}-${Math.min(next, Number(size)) - 1}`;
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, Range }));
      let at = start;
      for await (const chunk of Body as AsyncIterable<Uint8Array>) {
        await file.write(chunk, 0, chunk.byteLength, at);
        at += chunk.byteLength;
      }
    }
  }),
);
await file.sync();
client.destroy();
