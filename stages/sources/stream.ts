import type { Readable } from "node:stream";
import type { Bytes, Source } from "../../pipeline/contract.ts";
import { ImportError, systemCode } from "../../pipeline/errors.ts";

/**
 * A stream that is open already, such as standard input: of unknown size, and read once.
 * Throws SOURCE_UNSUITABLE when read again or not from its beginning, SOURCE_UNAVAILABLE when it breaks off.
 */
export function streamSource(readable: Readable, name: string): Source {
  let taken = false;
  return {
    name,
    facts: () => Promise.resolve({ seekable: false }),
    async *bytes({ signal }, fromByte = 0): Bytes {
      signal.throwIfAborted();
      if (taken || fromByte > 0) {
        throw new ImportError("SOURCE_UNSUITABLE", `Cannot read "${name}" a second time or from its middle`, {
          remedy: "Store it in a file and name that file",
        });
      }
      taken = true;
      // Destroying is the only way to end a pending read of a pipe.
      const stop = destroying(readable);
      signal.addEventListener("abort", stop, { once: true });
      try {
        for await (const chunk of readable) yield chunk;
        signal.throwIfAborted();
      } catch (error) {
        signal.throwIfAborted();
        const code = systemCode(error);
        if (code === undefined || error instanceof ImportError) throw error;
        throw new ImportError("SOURCE_UNAVAILABLE", `Cannot read "${name}" to its end: ${code}`, {
          cause: error,
        });
      } finally {
        signal.removeEventListener("abort", stop);
      }
    },
  };
}

function destroying(readable: Readable): () => void {
  return () => void readable.destroy();
}
