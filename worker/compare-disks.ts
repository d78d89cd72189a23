import type { Bytes, Context } from "../pipeline/contract.ts";
import { isZero } from "../pipeline/zero.ts";
import { diskBytes } from "./disk-bytes.ts";
import type { ResolvedSource } from "./resolve-source.ts";

export interface DiskComparison {
  /** `zero-tail`: the same, but one is longer and all of the rest is zero, as some formats round sizes up. */
  readonly verdict: "identical" | "zero-tail" | "different";
  /** Where the first differing byte is, counted from 0. */
  readonly firstDifferenceByte?: number;
  /** Sizes as far as they were read: whole unless the disks are different. */
  readonly firstBytes: number;
  readonly secondBytes: number;
}

/** Compares what a guest would see of two disks, whatever their formats and wrappings, in one pass up to the first difference. */
export async function compareDisks(
  first: ResolvedSource,
  second: ResolvedSource,
  context: Context,
): Promise<DiskComparison> {
  return await compareBytes(
    diskBytes(first, "read first", context),
    diskBytes(second, "read second", context),
  );
}

/** The same over plain bytes, in whatever chunks they come. */
export async function compareBytes(first: Bytes, second: Bytes): Promise<DiskComparison> {
  await using left = new Cursor(first);
  await using right = new Cursor(second);
  for (;;) {
    const [a, b] = await Promise.all([left.peek(), right.peek()]);
    if (a === undefined || b === undefined) return await compareTails(left, right);
    const lengthBytes = Math.min(a.byteLength, b.byteLength);
    const [here, there] = [a.subarray(0, lengthBytes), b.subarray(0, lengthBytes)];
    if (here !== there && Buffer.compare(here, there) !== 0) {
      const firstDifferenceByte = left.position + here.findIndex((byte, index) => byte !== there[index]);
      return {
        verdict: "different",
        firstDifferenceByte,
        firstBytes: left.position,
        secondBytes: right.position,
      };
    }
    left.advance(lengthBytes);
    right.advance(lengthBytes);
  }
}

async function compareTails(left: Cursor, right: Cursor): Promise<DiskComparison> {
  const isSameSize = (await left.peek()) === undefined && (await right.peek()) === undefined;
  for (const cursor of [left, right]) {
    for (let chunk = await cursor.peek(); chunk !== undefined; chunk = await cursor.peek()) {
      if (!isZero(chunk)) {
        const firstDifferenceByte = cursor.position + chunk.findIndex((byte) => byte !== 0);
        return {
          verdict: "different",
          firstDifferenceByte,
          firstBytes: left.position,
          secondBytes: right.position,
        };
      }
      cursor.advance(chunk.byteLength);
    }
  }
  const verdict = isSameSize ? "identical" : "zero-tail";
  return { verdict, firstBytes: left.position, secondBytes: right.position };
}

/** A place in a stream, with the rest of the chunk that is being looked at. */
class Cursor implements AsyncDisposable {
  position = 0;
  readonly #iterator: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(bytes: Bytes) {
    this.#iterator = bytes[Symbol.asyncIterator]();
  }

  /** What comes next, at least one byte; undefined at the end. */
  async peek(): Promise<Uint8Array | undefined> {
    while (this.#rest.byteLength === 0) {
      const { value, done } = await this.#iterator.next();
      if (done === true) return undefined;
      this.#rest = value;
    }
    return this.#rest;
  }

  advance(lengthBytes: number): void {
    this.#rest = this.#rest.subarray(lengthBytes);
    this.position += lengthBytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#iterator.return?.();
  }
}
