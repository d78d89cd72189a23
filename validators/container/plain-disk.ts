import type { Bytes, Context, Stage } from "../../pipeline/contract.ts";
import { HEAD_BYTES, type ImageView, TAIL_BYTES } from "./image-view.ts";
import { inspectContainer, refuseUnsafe } from "./inspect-container.ts";

export interface PlainDiskOptions {
  /** For messages. */
  readonly name: string;
  /** Whether the disk may start like an image of another format. Default false. */
  readonly allowsNested?: boolean;
}

/**
 * Passes a raw disk through and looks whether it is one: an image inside an image would come to life in the result, and a
 * fixed VHD shows only at its end. Holds back the first 36 KiB until they are there, and nothing else; a footer is
 * found before the stream ends, so that nothing is committed. Throws FORMAT_MISMATCH, IMAGE_UNSAFE.
 */
export function plainDisk({ name, allowsNested = false }: PlainDiskOptions): Stage {
  return {
    name: "inspect",
    async *transform(input: Bytes, { limits }: Context): Bytes {
      const check = async (view: Pick<ImageView, "head" | "tail">): Promise<void> => {
        const whole = { ...view, read: () => Promise.resolve(Buffer.alloc(0)), readBytes: () => 0 };
        refuseUnsafe(name, await inspectContainer(whole, { limits, declared: "raw", allowsNested }));
      };
      let held: Uint8Array[] | undefined = [];
      let head = Buffer.alloc(0);
      let tail = Buffer.alloc(0);
      for await (const chunk of input) {
        // Kept before the chunk is given away: whoever gets it may write to it.
        tail = Buffer.concat([tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
        if (held === undefined) {
          yield chunk;
          continue;
        }
        held.push(chunk);
        head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES - head.byteLength)]);
        if (head.byteLength < HEAD_BYTES) continue;
        await check({ head });
        yield* held;
        held = undefined;
      }
      await check({ head, ...(tail.byteLength === TAIL_BYTES ? { tail } : {}) });
      yield* held ?? [];
    },
  };
}
