import { ImportError } from "../../../pipeline/errors.ts";

/**
 * Reads a protocol without doing any input itself: yields memory that it wants filled, or a number of bytes that it wants
 * to pass over, and goes on once that has come. So payload goes from the socket's buffer to its place in one copy.
 */
export type WireReader<T> = Generator<Uint8Array | number, T, void>;

/** The next `lengthBytes` bytes; for heads and other small things. */
export function* take(lengthBytes: number): WireReader<Buffer> {
  const bytes = Buffer.alloc(lengthBytes);
  yield bytes;
  return bytes;
}

/** Gives `reader` what comes in, in pieces cut anywhere. */
export interface Feeder {
  /** Throws what the reader throws. What follows the reader's end is not looked at. */
  feed(chunk: Uint8Array): void;
}

/** Starts `reader` and gives it its food. */
export function feeder<T>(reader: WireReader<T>): Feeder {
  let step = reader.next();
  let filledBytes = 0;
  return {
    feed(chunk) {
      let at = 0;
      while (step.done !== true) {
        const want = step.value;
        const wantedBytes = typeof want === "number" ? want : want.byteLength;
        const count = Math.min(wantedBytes - filledBytes, chunk.byteLength - at);
        if (typeof want !== "number" && count > 0) want.set(chunk.subarray(at, at + count), filledBytes);
        at += count;
        filledBytes += count;
        if (filledBytes < wantedBytes) return;
        filledBytes = 0;
        step = reader.next();
      }
    },
  };
}

/** The error for a server that does not keep to the protocol. */
export function protocolError(name: string, what: string, cause?: unknown): ImportError {
  return new ImportError("PROGRAM_FAILED", `Cannot read "${name}" as its NBD server ${what}`, {
    cause,
    remedy: "Look whether the server program is of a version that diskferry doctor accepts",
  });
}
