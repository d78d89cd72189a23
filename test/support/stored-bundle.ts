import { COMMANDS } from "../../cli/commands/index.ts";
import { runCli } from "../../cli/program.ts";
import { listS3Keys } from "../../stages/s3-objects.ts";
import { testCli, type TestCli } from "./cli.ts";
import { testContext } from "./context.ts";
import { BUNDLE_PROGRAMS } from "./openssl-bundle.ts";
import { requires } from "./requires.ts";
import type { TestBucket } from "./s3-bucket.ts";
import { S3_PROGRAMS } from "./s3-server.ts";

/** `test` for commands that move bundles between folders and a real object store. */
export const testStored = requires(...BUNDLE_PROGRAMS, ...S3_PROGRAMS);

/** Runs a command with the flags of euca2ools that reach the store. */
export async function runStored(
  { server }: TestBucket,
  ...args: readonly string[]
): Promise<TestCli & { readonly status: number }> {
  const cli = testCli();
  const access = ["-U", server.endpoint, "-I", server.accessKeyId, "-S", server.secretAccessKey];
  const status = await runCli([...args, ...access], cli, COMMANDS);
  return { ...cli, status };
}

export async function keysIn({ access, bucket }: TestBucket): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of listS3Keys(access, bucket, "", testContext())) keys.push(key);
  return keys;
}
