import { provideDisposableStacks } from "../../pipeline/disposable-stacks.ts";
import { type ErrorCode, ImportError } from "../../pipeline/errors.ts";
import type { ThreadInput, ThreadOutput, ThreadTask } from "../../pipeline/thread-tasks.ts";

provideDisposableStacks(globalThis);

/** What the pool posts to a thread. */
export interface TaskCall<T extends ThreadTask = ThreadTask> {
  readonly task: T;
  readonly input: ThreadInput<T>;
}

/** What a thread posts back. A thrown ImportError would lose its class and code on the way, so it travels as fields. */
export type TaskOutcome =
  | { readonly output: ThreadOutput<ThreadTask> }
  | {
      readonly failure: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly remedy: string | undefined;
        readonly cause: unknown;
      };
    };

type Tasks = { readonly [T in ThreadTask]: (input: ThreadInput<T>) => Promise<ThreadOutput<T>> };

/** Each is loaded by the first thread that needs it: what one task imports costs the others no memory. */
const TASKS: Tasks = {
  openPart: async (input) => (await import("./open-part.ts")).openPart(input),
  decryptBlocks: async (input) => (await import("./decrypt-blocks.ts")).decryptBlocks(input),
  hashBlock: async (input) => (await import("./hash-block.ts")).hashBlock(input),
  hashStream: async (input) => (await import("./hash-stream.ts")).hashStream(input),
  hashBlocks: async (input) => (await import("./hash-blocks.ts")).hashBlocks(input),
};

/** The one function that threads of `pool.ts` run. */
export default async function runTask<T extends ThreadTask>({
  task,
  input,
}: TaskCall<T>): Promise<TaskOutcome> {
  try {
    return { output: await TASKS[task](input) };
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    const { code, message, remedy, cause } = error;
    return { failure: { code, message, remedy, cause } };
  }
}
