import { PassThrough, Readable, Writable } from "node:stream";
import type { CliEnvironment } from "../../cli/environment.ts";

export interface TestCli extends CliEnvironment {
  /** What was printed so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly stdoutBytes: () => Buffer;
}

/** The world around the program for a test that runs it in this process. */
export function testCli(
  options: Partial<CliEnvironment> & { readonly isTerminal?: boolean; readonly inputBytes?: Uint8Array } = {},
): TestCli {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const { isTerminal = false, inputBytes = new Uint8Array(), ...rest } = options;
  return {
    input: Readable.from([inputBytes]),
    output: { stream: collecting(out), isTerminal, columns: () => 100 },
    errors: { stream: collecting(err), isTerminal, columns: () => 100 },
    variables: { PATH: process.env.PATH },
    signal: new AbortController().signal,
    version: "1.2.3",
    ...rest,
    stdout: () => Buffer.concat(out).toString(),
    stderr: () => Buffer.concat(err).toString(),
    stdoutBytes: () => Buffer.concat(out),
  };
}

function collecting(chunks: Buffer[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
}

/** A stream that never ends and never gives anything. */
export function silentInput(): Readable {
  return new PassThrough();
}
