import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { Writable } from "node:stream";
import { COMMANDS } from "../../cli/commands/index.ts";
import { EXIT_STATUS_OF } from "../../cli/exit-status.ts";
import { runCli } from "../../cli/program.ts";
import type { ErrorCode } from "../../pipeline/errors.ts";
import { testCli } from "./cli.ts";
import { temporaryFolder } from "./folder.ts";
import { processesWith } from "./processes.ts";
import type { ConditionalTest } from "./requires.ts";

/** A folder to lay bad input out in; `out.raw` and `out.qcow2` are there, and are precious. */
export interface BadInputFolder {
  readonly path: string;
  file(name: string): string;
}

/** What a user types, and what happens meanwhile. */
export interface BadRun {
  /** The command and its arguments; `--force`, `--json` and the scratch folder are put between. */
  readonly args: readonly string[];
  /** Beside PATH. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Called once, as soon as the step begins and before it does anything. */
  readonly onStep?: { readonly step: string; readonly act: () => void };
}

export interface BadInput {
  readonly title: string;
  readonly code: ErrorCode;
  /** What the message or remedy must say. */
  readonly says?: RegExp;
  /** Lays it out and says what is typed; `cleanup` ends what is needed meanwhile. */
  arrange(
    folder: BadInputFolder,
    cleanup: AsyncDisposableStack,
  ): Promise<BadRun | readonly string[]> | BadRun | readonly string[];
}

/** Commands that can be told to replace what is there. */
const WRITERS: readonly string[] = ["convert", "unbundle"];

const PRECIOUS = "what was there before";

/**
 * Declares the test of one bad input, through the command line: it ends with the code and its exit status, says what to
 * do, and leaves nothing: no new file, no program, and what was to be replaced is as it was.
 */
export function refuses(test: ConditionalTest, input: BadInput): void {
  test(`${input.title} ends with ${input.code}, and leaves nothing`, async (t) => {
    await using folder = await temporaryFolder();
    await mkdir(folder.file("scratch"));
    await Promise.all(["out.raw", "out.qcow2"].map((name) => writeFile(folder.file(name), PRECIOUS)));
    await using cleanup = new AsyncDisposableStack();
    const arranged = await input.arrange(folder, cleanup);
    const { args, variables = {}, onStep }: BadRun = "args" in arranged ? arranged : { args: arranged };
    const before = await names(folder.path);
    const said = watching(onStep);
    const cli = testCli({
      variables: { PATH: process.env.PATH, ...variables },
      errors: { stream: said.stream, isTerminal: false, columns: () => 100 },
    });
    const [command = "", ...rest] = args;
    const first = ["--json", "--progress", "json", "--scratch-dir", folder.file("scratch")];
    if (WRITERS.includes(command)) first.push("--force");
    const status = await runCli([command, ...first, ...rest], cli, COMMANDS);
    t.not(status, 0, "it was taken for good");
    const { error } = JSON.parse(cli.stdout());
    t.is(error.code, input.code, error.message);
    t.is(status, EXIT_STATUS_OF[input.code]);
    t.truthy(error.remedy, error.message);
    if (input.says !== undefined) t.regex(`${error.message}. ${error.remedy}`, input.says);
    t.is(said.hasActed(), onStep !== undefined, "the step was reached");
    const added = (await names(folder.path)).filter((name) => !before.includes(name));
    t.deepEqual(added, []);
    for (const name of ["out.raw", "out.qcow2"]) {
      t.is(await readFile(folder.file(name), "utf8"), PRECIOUS);
    }
    t.deepEqual(processesWith(folder.path), []);
  });
}

async function names(folder: string): Promise<readonly string[]> {
  return (await readdir(folder, { recursive: true })).sort();
}

/** Standard error that acts on what is printed of the progress. */
function watching(onStep: BadRun["onStep"]): { readonly stream: Writable; hasActed(): boolean } {
  let hasActed = false;
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (onStep !== undefined && !hasActed && String(chunk).includes(`"started","step":"${onStep.step}"`)) {
        hasActed = true;
        onStep.act();
      }
      done();
    },
  });
  return { stream, hasActed: () => hasActed };
}
