/**
 * What `DisposableStack` and `AsyncDisposableStack` are on Node 24 (ECMA-262 proposal explicit-resource-management,
 * section 12), for the published package on Node 22, which has not got them. Can go when Node 22 is supported no more.
 */
class Disposals {
  #waiting: (() => unknown)[] = [];
  #disposed = false;

  get disposed(): boolean {
    return this.#disposed;
  }

  add(dispose: () => unknown): void {
    if (this.#disposed) throw new ReferenceError("Cannot add to a stack that has been disposed");
    this.#waiting.push(dispose);
  }

  /** Everything added so far, last first; the stack counts as disposed from here on. */
  take(): readonly (() => unknown)[] {
    this.#disposed = true;
    return this.#waiting.splice(0).toReversed();
  }
}

/** The error of one disposal, with the ones before it, as the language joins them. */
function joined(
  error: unknown,
  before: { readonly error: unknown } | undefined,
): { readonly error: unknown } {
  if (before === undefined) return { error };
  const both = new Error("An error was suppressed during disposal", { cause: error });
  return { error: Object.assign(both, { name: "SuppressedError", error, suppressed: before.error }) };
}

export class SyncStack implements Disposable {
  #disposals = new Disposals();

  get disposed(): boolean {
    return this.#disposals.disposed;
  }

  use<T extends Disposable | null | undefined>(value: T): T {
    if (value !== null && value !== undefined) this.#disposals.add(() => value[Symbol.dispose]());
    return value;
  }

  adopt<T>(value: T, dispose: (value: T) => void): T {
    this.#disposals.add(() => dispose(value));
    return value;
  }

  defer(dispose: () => void): void {
    this.#disposals.add(dispose);
  }

  move(): SyncStack {
    const moved = new SyncStack();
    for (const dispose of this.#disposals.take().toReversed()) moved.#disposals.add(dispose);
    return moved;
  }

  dispose(): void {
    let failure: { readonly error: unknown } | undefined;
    for (const dispose of this.#disposals.take()) {
      try {
        dispose();
      } catch (error) {
        failure = joined(error, failure);
      }
    }
    if (failure !== undefined) throw failure.error;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

export class AsyncStack implements AsyncDisposable {
  #disposals = new Disposals();

  get disposed(): boolean {
    return this.#disposals.disposed;
  }

  use<T extends AsyncDisposable | Disposable | null | undefined>(value: T): T {
    if (value === null || value === undefined) return value;
    this.#disposals.add(() =>
      Symbol.asyncDispose in value ? value[Symbol.asyncDispose]() : value[Symbol.dispose](),
    );
    return value;
  }

  adopt<T>(value: T, dispose: (value: T) => PromiseLike<void> | void): T {
    this.#disposals.add(() => dispose(value));
    return value;
  }

  defer(dispose: () => PromiseLike<void> | void): void {
    this.#disposals.add(dispose);
  }

  move(): AsyncStack {
    const moved = new AsyncStack();
    for (const dispose of this.#disposals.take().toReversed()) moved.#disposals.add(dispose);
    return moved;
  }

  async disposeAsync(): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    for (const dispose of this.#disposals.take()) {
      try {
        await dispose();
      } catch (error) {
        failure = joined(error, failure);
      }
    }
    if (failure !== undefined) throw failure.error;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disposeAsync();
  }
}

/** Gives `target`, the global object, the two classes where it lacks them. Called by every entry: the program's and the threads'. */
export function provideDisposableStacks(target: object): void {
  if (!("DisposableStack" in target)) Object.assign(target, { DisposableStack: SyncStack });
  if (!("AsyncDisposableStack" in target)) Object.assign(target, { AsyncDisposableStack: AsyncStack });
}
