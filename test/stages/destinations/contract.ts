import test from "ava";
import { seededBytes } from "../../../fixtures/seeded.ts";
import type { Bytes, Destination } from "../../../pipeline/contract.ts";
import { chunked } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import type { Declare } from "../sources/contract.ts";

export interface DestinationCase extends AsyncDisposable {
  readonly destination: Destination;
  /** What others see: the content, or undefined while there is nothing. */
  readonly visible: () => Promise<Uint8Array | undefined>;
  /** What drafts leave behind where others may not see it: temporary files, unfinished uploads. */
  readonly leftoverCount: () => Promise<number>;
}

/**
 * The promises of `Destination` and `Draft` that hold for every one of them; `make` gives a fresh case for each test.
 * `sizesBytes` are the lengths at which its behaviour changes, the largest first.
 */
export function destinationContract(
  name: string,
  sizesBytes: readonly [number, ...number[]],
  make: () => Promise<DestinationCase>,
  declare: Declare = test,
): void {
  const [largest] = sizesBytes;

  declare(`${name} shows nothing before commit, and all of it after`, async (t) => {
    for (const sizeBytes of sizesBytes) {
      await using made = await make();
      const content = seededBytes(`${name}/${sizeBytes}`, sizeBytes);
      await using draft = await made.destination.open(testContext(), { sizeBytes });
      t.is(await made.visible(), undefined);
      await draft.write(chunked(content, 1_000_003));
      t.is(await made.visible(), undefined);
      const receipt = await draft.commit();
      t.is(receipt.sizeBytes, sizeBytes);
      t.true(content.equals((await made.visible()) ?? Buffer.from("nothing")), `${sizeBytes} bytes`);
      await draft[Symbol.asyncDispose]();
      t.not(await made.visible(), undefined);
      t.is(await made.leftoverCount(), 0);
    }
  });

  declare(`${name} discards a draft that is disposed without commit`, async (t) => {
    for (const written of [false, true]) {
      await using made = await make();
      {
        await using draft = await made.destination.open(testContext(), {});
        if (written) await draft.write(chunked(seededBytes(name, largest), 1_000_003));
      }
      t.is(await made.visible(), undefined);
      t.is(await made.leftoverCount(), 0);
    }
  });

  declare(`${name} passes on a failure of the input and leaves nothing`, async (t) => {
    await using made = await make();
    const failure = new Error("the input broke");
    async function* broken(): Bytes {
      yield* chunked(seededBytes(name, largest), 1_000_003);
      throw failure;
    }
    {
      await using draft = await made.destination.open(testContext(), {});
      t.is(await t.throwsAsync(draft.write(broken())), failure);
    }
    t.is(await made.visible(), undefined);
    t.is(await made.leftoverCount(), 0);
  });

  declare(`${name} ends with the reason of an abort and leaves nothing`, async (t) => {
    await using made = await make();
    const controller = new AbortController();
    const reason = new Error("enough");
    async function* interrupted(): Bytes {
      yield* chunked(seededBytes(name, largest), 1_000_003);
      controller.abort(reason);
      yield Buffer.from("more");
    }
    {
      await using draft = await made.destination.open(testContext({ signal: controller.signal }), {});
      t.is(await t.throwsAsync(draft.write(interrupted())), reason);
      t.is(await t.throwsAsync(draft.commit()), reason);
    }
    t.is(await made.visible(), undefined);
    t.is(await made.leftoverCount(), 0);
  });
}
