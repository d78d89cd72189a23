import type { Bytes, Stage } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";

/**
 * Passes bytes on and fails once more than `maxBytes` have come. `what` names the content in the message.
 * Throws SIZE_EXCEEDED before the offending chunk is passed on. Pulls nothing ahead.
 */
export function limit(maxBytes: number, what: string): Stage {
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 0) {
    throw new RangeError(`A limit must be a number of bytes: current limit is ${maxBytes}`);
  }
  return {
    name: "limit",
    async *transform(input): Bytes {
      let seenBytes = 0;
      for await (const chunk of input) {
        seenBytes += chunk.byteLength;
        if (seenBytes > maxBytes) {
          throw new ImportError(
            "SIZE_EXCEEDED",
            `Cannot accept "${what}" as it has more than ${maxBytes} bytes`,
            {
              step: "limit",
              remedy: "Raise the limit on the image size if an image that large is expected",
            },
          );
        }
        yield chunk;
      }
    },
  };
}
