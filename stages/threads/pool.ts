import { availableParallelism } from "node:os";
import { extname } from "node:path";
import { Piscina } from "piscina";
import type { Threads } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import type { ThreadInput, ThreadTask } from "../../pipeline/thread-tasks.ts";
import type { TaskCall, TaskOutcome } from "./tasks.thread.ts";

export interface ThreadPoolOptions {
  /** Threads that may run at once. Default {@link DEFAULT_THREAD_COUNT}. */
  readonly threadCount?: number;
}

/**
 * Two threads hash and decrypt several gigabytes a second, more than any source or destination takes, and each further
 * one costs 15 MiB (30 from TypeScript sources) of the 256 that the process may use.
 */
const MAX_DEFAULT_THREADS = 2;

export const DEFAULT_THREAD_COUNT = Math.min(availableParallelism(), MAX_DEFAULT_THREADS);

/** Long enough to bridge a slow part, short enough that a waiting service holds no idle threads. */
const IDLE_MS = 5000;

/** Heap of one thread, so that a flaw cannot grow without end: tasks work on memory they are handed, outside the heap. */
const HEAP = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16 } as const;

/**
 * A piscina pool that runs the tasks of `thread-tasks.ts`. No thread starts before the first task, and idle ones end.
 * A task that fails with an ImportError rejects with one of the same code; an aborted one rejects with `signal.reason`,
 * and its thread ends. Disposing ends all threads; what still runs then is aborted.
 */
export function threadPool(options: ThreadPoolOptions = {}): Threads & AsyncDisposable {
  const { threadCount = DEFAULT_THREAD_COUNT } = options;
  if (!Number.isSafeInteger(threadCount) || threadCount < 1) {
    throw new RangeError(`A thread pool must have 1 thread or more: current count is ${threadCount}`);
  }
  let pool: Piscina<TaskCall, TaskOutcome> | undefined;
  let disposed = false;
  let keptCount = 0;

  function start(): Piscina<TaskCall, TaskOutcome> {
    // The same extension as this file has: .ts in the tree, .js in the published package.
    const entry = new URL(`./tasks.thread${extname(import.meta.url)}`, import.meta.url);
    return new Piscina<TaskCall, TaskOutcome>({
      filename: entry.href,
      minThreads: 0,
      maxThreads: threadCount,
      idleTimeout: IDLE_MS,
      // A thread that waits with Atomics.wait would not see the end of a socket that a task has left to close.
      atomics: "disabled",
      resourceLimits: HEAP,
    });
  }

  return {
    count: threadCount,
    get hasSpare() {
      return keptCount < threadCount - 1;
    },
    async run<T extends ThreadTask>(task: T, input: ThreadInput<T>, signal: AbortSignal) {
      signal.throwIfAborted();
      if (disposed) throw new TypeError(`Cannot run "${task}" in a thread pool that has been disposed`);
      pool ??= start();
      let outcome: TaskOutcome;
      const ports = "port" in input ? [input.port] : [];
      keptCount += ports.length;
      try {
        outcome = await pool.run({ task, input }, { signal, transferList: ports });
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      } finally {
        keptCount -= ports.length;
      }
      if ("failure" in outcome) {
        const { code, message, remedy } = outcome.failure;
        throw new ImportError(code, message, {
          cause: outcome.failure.cause,
          ...(remedy === undefined ? {} : { remedy }),
        });
      }
      return outcome.output;
    },
    async [Symbol.asyncDispose]() {
      disposed = true;
      const started = pool;
      pool = undefined;
      await started?.destroy();
    },
  };
}
