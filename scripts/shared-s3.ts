import { findProgram } from "../test/support/find-program.ts";
import { S3_PROGRAMS, S3_VARIABLE, startS3 } from "../test/support/s3-server.ts";

/** What the test files need to find the server that is shared by a whole run. */
export interface SharedS3 extends AsyncDisposable {
  readonly environment: Readonly<Record<string, string>>;
}

/** Starts the S3 server of a run; without its programs the tests that need it skip, or fail in CI. */
export async function sharedS3(): Promise<SharedS3> {
  if (S3_PROGRAMS.some((program) => findProgram(program) === undefined)) {
    return { environment: {}, async [Symbol.asyncDispose]() {} };
  }
  const server = await startS3();
  return {
    environment: { [S3_VARIABLE]: [server.endpoint, server.accessKeyId, server.secretAccessKey].join(",") },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
