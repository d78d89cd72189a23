import type { Bytes } from "../pipeline/contract.ts";

/** Reads a stream in pieces of the reader's choice. Holds at most one chunk; never pulls before it must. */
export interface ByteReader {
  /** Bytes handed out so far, what was put back taken off. */
  readonly position: number;
  /** The next chunk as it comes, never empty; at most `maxBytes` of it. Undefined at the end. */
  next(maxBytes?: number): Promise<Uint8Array | undefined>;
  /** Exactly `lengthBytes` bytes, fewer only when the end comes first. Copied only where they span chunks. */
  take(lengthBytes: number): Promise<Uint8Array>;
  /** Puts back the tail of what was handed out last. */
  unread(tail: Uint8Array): void;
  /** Passes over `lengthBytes` bytes and tells how many there were. */
  skip(lengthBytes: number): Promise<number>;
  /** Ends the stream it reads from. */
  close(): Promise<void>;
}

export function byteReader(input: Bytes): ByteReader {
  const iterator = input[Symbol.asyncIterator]();
  let rest: Uint8Array | undefined;
  let position = 0;

  async function next(maxBytes = Number.POSITIVE_INFINITY): Promise<Uint8Array | undefined> {
    while (rest === undefined || rest.byteLength === 0) {
      const { done = false, value } = await iterator.next();
      if (done) return undefined;
      rest = value;
    }
    const chunk = rest;
    const piece = chunk.byteLength <= maxBytes ? chunk : chunk.subarray(0, maxBytes);
    rest = piece === chunk ? undefined : chunk.subarray(maxBytes);
    position += piece.byteLength;
    return piece;
  }

  return {
    get position() {
      return position;
    },
    next,
    async take(lengthBytes) {
      if (lengthBytes === 0) return new Uint8Array();
      const first = await next(lengthBytes);
      if (first === undefined || first.byteLength === lengthBytes) return first ?? new Uint8Array();
      const joined = new Uint8Array(lengthBytes);
      joined.set(first);
      let filledBytes = first.byteLength;
      while (filledBytes < lengthBytes) {
        const piece = await next(lengthBytes - filledBytes);
        if (piece === undefined) break;
        joined.set(piece, filledBytes);
        filledBytes += piece.byteLength;
      }
      return joined.subarray(0, filledBytes);
    },
    unread(tail) {
      position -= tail.byteLength;
      rest = rest === undefined || rest.byteLength === 0 ? tail : Buffer.concat([tail, rest]);
    },
    async skip(lengthBytes) {
      let leftBytes = lengthBytes;
      while (leftBytes > 0) {
        const piece = await next(leftBytes);
        if (piece === undefined) break;
        leftBytes -= piece.byteLength;
      }
      return lengthBytes - leftBytes;
    },
    async close() {
      await iterator.return?.();
    },
  };
}
