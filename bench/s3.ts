import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { seededBytes } from "../fixtures/seeded.ts";
import { startS3, type TestS3 } from "../test/support/s3-server.ts";
import { type BenchResult, inTurn, median } from "./result.ts";
import { benchFolder, diskferry, run } from "./subject.ts";

const OBJECT_BYTES = 1024 ** 3;
const RUNS = 5;

/** A raw image of random bytes from a real S3 server on loopback into a durable file, against plain parallel GETs. */
export async function benchS3(): Promise<readonly BenchResult[]> {
  await using server = await startS3();
  await using folder = await benchFolder();
  const image = join(folder.path, "disk.raw");
  const result = join(folder.path, "result.raw");
  await writeFile(image, randomPieces());
  const environment = s3Environment(server);
  await makeBucket(environment);
  await diskferry(["convert", image, "s3://bench/disk.raw"], environment);
  const samples = await inTurn(
    {
      async diskferry() {
        await rm(result, { force: true });
        await diskferry(["convert", "s3://bench/disk.raw", result, "--force"], environment);
      },
      async "plain GET"() {
        await rm(result, { force: true });
        const plain = join(import.meta.dirname, "plain-get.ts");
        await run(
          process.execPath,
          [plain, server.endpoint, "bench", "disk.raw", String(OBJECT_BYTES), result],
          environment,
        );
      },
    },
    RUNS,
  );
  return [
    {
      name: "s3-to-file",
      title:
        "1 GiB S3 → durable file, with disk digest: rate against plain parallel ranged GETs into a durable file",
      value: median(samples["plain GET"]) / median(samples.diskferry),
      unit: "ratio",
      target: { atLeast: 0.9 },
      samples,
    },
  ];
}

/** What makes the SDK, and diskferry, use a test server. */
export function s3Environment(server: TestS3) {
  return {
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    AWS_ENDPOINT_URL: server.endpoint,
  };
}

/** Makes the bucket `bench`. */
export async function makeBucket(environment: ReturnType<typeof s3Environment>): Promise<void> {
  const client = new S3Client({
    endpoint: environment.AWS_ENDPOINT_URL,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID,
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
    },
  });
  await client.send(new CreateBucketCommand({ Bucket: "bench" }));
  client.destroy();
}

function* randomPieces(): Generator<Buffer> {
  const pieceBytes = 16 * 1024 * 1024;
  for (let at = 0; at < OBJECT_BYTES; at += pieceBytes) yield seededBytes(`s3 bench ${at}`, pieceBytes);
}
