import test, { type ExecutionContext } from "ava";
import type { Source } from "../../../pipeline/contract.ts";
import { collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";

export interface SourceCase extends AsyncDisposable {
  readonly source: Source;
  /** More than one chunk of the source. */
  readonly content: Uint8Array;
  /** How often whatever is behind the source was opened or asked so far. */
  readonly openCount: () => number;
  /** None of these may be in the name. */
  readonly secrets?: readonly string[];
}

export type Declare = (title: string, implementation: (t: ExecutionContext) => Promise<void>) => void;

/** The promises of `Source` that hold for every one of them; `make` gives a fresh case for each test. */
export function sourceContract(name: string, make: () => Promise<SourceCase>, declare: Declare = test): void {
  declare(`${name} gives the same bytes twice, and facts that fit them`, async (t) => {
    await using made = await make();
    const context = testContext();
    const { sizeBytes } = await made.source.facts(context);
    t.true((await collect(made.source.bytes(context))).equals(made.content));
    t.true((await collect(made.source.bytes(context))).equals(made.content));
    t.true(sizeBytes === undefined || sizeBytes === made.content.byteLength);
    t.deepEqual(await made.source.facts(context), await made.source.facts(context));
  });

  declare(`${name} gives the tail from byte n`, async (t) => {
    await using made = await make();
    const { byteLength } = made.content;
    for (const from of [0, 1, byteLength >> 1, byteLength - 1, byteLength]) {
      const tail = await collect(made.source.bytes(testContext(), from));
      t.true(tail.equals(made.content.subarray(from)), `from byte ${from}`);
    }
  });

  declare(`${name} ends with the reason of an abort`, async (t) => {
    await using made = await make();
    const reason = new Error("enough");
    const before = AbortSignal.abort(reason);
    t.is(await t.throwsAsync(collect(made.source.bytes(testContext({ signal: before })))), reason);
    const controller = new AbortController();
    const pulling = (async () => {
      for await (const chunk of made.source.bytes(testContext({ signal: controller.signal }))) {
        t.true(chunk.byteLength > 0);
        controller.abort(reason);
      }
    })();
    t.is(await t.throwsAsync(pulling), reason);
  });

  declare(`${name} can be left after the first chunk`, async (t) => {
    await using made = await make();
    for await (const chunk of made.source.bytes(testContext())) {
      t.true(chunk.byteLength > 0 && chunk.byteLength < made.content.byteLength);
      break;
    }
  });

  declare(`${name} opens nothing before the first pull`, async (t) => {
    await using made = await make();
    const bytes = made.source.bytes(testContext());
    await new Promise(setImmediate);
    t.is(made.openCount(), 0);
    await bytes[Symbol.asyncIterator]().return?.();
    t.is(made.openCount(), 0);
  });

  declare(`${name} has no secret in its name`, async (t) => {
    await using made = await make();
    t.not(made.source.name, "");
    for (const secret of made.secrets ?? []) t.false(made.source.name.includes(secret));
  });
}
