import type { Bytes, Stage } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";

/**
 * Passes bytes on and fails unless they are exactly `sizeBytes`. `what` names the content in the message.
 * Throws SIZE_MISMATCH: before the chunk that is too much is passed on, or at the end. Pulls nothing ahead.
 */
export function expectSize(sizeBytes: number, what: string): Stage {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
    throw new RangeError(`An expected size must be a number of bytes: current size is ${sizeBytes}`);
  }
  const mismatch = (found: string) =>
    new ImportError(
      "SIZE_MISMATCH",
      `Cannot accept "${what}" as it has ${found} bytes: ${sizeBytes} are wanted`,
      {
        step: "expect-size",
        remedy: "Get the image again; if it stays so, its manifest and its content do not belong together",
      },
    );
  return {
    name: "expect-size",
    async *transform(input): Bytes {
      let seenBytes = 0;
      for await (const chunk of input) {
        seenBytes += chunk.byteLength;
        if (seenBytes > sizeBytes) throw mismatch(`${seenBytes} or more`);
        yield chunk;
      }
      if (seenBytes < sizeBytes) throw mismatch(`only ${seenBytes}`);
    },
  };
}
