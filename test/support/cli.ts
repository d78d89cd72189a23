import { Readable, Writable } from "node:stream";
import type { CommandSpec } from "../../cli/command.ts";
import type { CliEnvironment } from "../../cli/environment.ts";
import { runCli } from "../../cli/program.ts";

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

/**
 * What a command makes of arguments: its options, without running it. A usage error fails the test with what is printed.
 * Throws what `parse` throws.
 */
export async function parsedOptions<Flags, Options>(
  spec: CommandSpec<Flags, Options>,
  args: readonly string[],
  variables: CliEnvironment["variables"] = {},
): Promise<Options> {
  const cli = testCli({ variables });
  let outcome: { readonly options: Options } | { readonly error: unknown } | undefined;
  const recording: CommandSpec<Flags, Options> = {
    ...spec,
    declare: (command) => spec.declare(command),
    async parse(args, flags, environment) {
      try {
        return await spec.parse(args, flags, environment);
      } catch (error) {
        outcome = { error };
        throw error;
      }
    },
    run(options) {
      outcome = { options };
      return Promise.resolve({ value: null, text: "" });
    },
  };
  await runCli([spec.name, ...args], cli, [recording]);
  if (outcome === undefined) throw new Error(cli.stderr());
  if ("error" in outcome) throw outcome.error;
  return outcome.options;
}
