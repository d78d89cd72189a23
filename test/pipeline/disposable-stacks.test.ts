import test from "ava";
import { AsyncStack, provideDisposableStacks, SyncStack } from "../../pipeline/disposable-stacks.ts";

/** The same tests on ours and on the language's own, which says what is right. */
const SYNC = { SyncStack, DisposableStack };
const ASYNC = { AsyncStack, AsyncDisposableStack };

for (const [name, Stack] of Object.entries(SYNC)) {
  test(`${name} disposes once, last first`, (t) => {
    const order: string[] = [];
    const stack = new Stack();
    const used = { [Symbol.dispose]: () => void order.push("used") };
    t.is(stack.use(used), used);
    t.is(stack.use(undefined), undefined);
    t.is(
      stack.adopt(7, (value) => void order.push(`adopted ${value}`)),
      7,
    );
    stack.defer(() => void order.push("deferred"));
    t.false(stack.disposed);
    stack[Symbol.dispose]();
    stack.dispose();
    t.true(stack.disposed);
    t.deepEqual(order, ["deferred", "adopted 7", "used"]);
    t.throws(() => stack.defer(() => {}), { instanceOf: ReferenceError });
  });

  test(`${name} goes on after an error and throws the last with the ones before it`, (t) => {
    const order: string[] = [];
    const stack = new Stack();
    stack.defer(() => void order.push("first"));
    stack.defer(() => {
      throw new Error("second");
    });
    stack.defer(() => {
      throw new Error("third");
    });
    const error = t.throws(() => stack.dispose());
    t.like(error, {
      name: "SuppressedError",
      error: { message: "second" },
      suppressed: { message: "third" },
    });
    t.deepEqual(order, ["first"]);
  });

  test(`${name} hands over what it holds, in the same order`, (t) => {
    const order: string[] = [];
    const stack = new Stack();
    stack.defer(() => void order.push("one"));
    stack.defer(() => void order.push("two"));
    const moved = stack.move();
    t.true(stack.disposed);
    stack.dispose();
    t.deepEqual(order, []);
    moved.dispose();
    t.deepEqual(order, ["two", "one"]);
  });
}

for (const [name, Stack] of Object.entries(ASYNC)) {
  test(`${name} waits for each disposal, last first`, async (t) => {
    const order: string[] = [];
    const later = (word: string) => async () => {
      await Promise.resolve();
      order.push(word);
    };
    {
      await using stack = new Stack();
      stack.use({ [Symbol.asyncDispose]: later("asynchronous") });
      stack.use({ [Symbol.dispose]: () => void order.push("synchronous") });
      stack.use(null);
      stack.adopt("adopted", (word) => later(word)());
      stack.defer(later("deferred"));
    }
    t.deepEqual(order, ["deferred", "adopted", "synchronous", "asynchronous"]);
  });

  test(`${name} goes on after a rejection, and hands over`, async (t) => {
    const order: string[] = [];
    const first = new Stack();
    first.defer(() => void order.push("kept"));
    first.defer(() => Promise.reject(new Error("second")));
    first.defer(() => Promise.reject(new Error("third")));
    const stack = first.move();
    await first.disposeAsync();
    t.deepEqual(order, []);
    const error = await t.throwsAsync(stack.disposeAsync());
    t.like(error, {
      name: "SuppressedError",
      error: { message: "second" },
      suppressed: { message: "third" },
    });
    t.deepEqual(order, ["kept"]);
    t.true(stack.disposed);
    t.throws(() => stack.defer(() => {}), { instanceOf: ReferenceError });
  });
}

test("provideDisposableStacks() fills what is missing and leaves the rest", (t) => {
  const target: Record<string, unknown> = { DisposableStack };
  provideDisposableStacks(target);
  t.deepEqual(target, { DisposableStack, AsyncDisposableStack: AsyncStack });
});
