import type { Bytes, Context, Stage } from "../../pipeline/contract.ts";
import { BLOCK_BYTES, withoutPadding } from "../cbc-padding.ts";
import { type ByteReader, byteReader } from "../byte-reader.ts";

export interface DecryptOptions {
  /** 16 bytes each. */
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
}

/** What one thread decrypts at a time: a millisecond of work, against which the hand-over costs little. */
const PIECE_BYTES = 1024 * 1024;

/** Pieces with the threads beyond one a thread, so that none waits for the main thread to fetch the next. */
const PIECES_AHEAD = 1;

/**
 * Decrypts AES-128-CBC with PKCS#7 padding, as `openssl enc -d -aes-128-cbc -K … -iv …` does. CBC decrypts in parallel,
 * as each block needs only the ciphertext block before it: pieces go to the threads and come back in order.
 * Memory: a piece of {@link PIECE_BYTES} for each thread, and {@link PIECES_AHEAD}. Throws DECRYPTION_FAILED.
 */
export function decrypt(options: DecryptOptions): Stage {
  const { key, iv } = options;
  if (key.byteLength !== BLOCK_BYTES || iv.byteLength !== BLOCK_BYTES) {
    throw new RangeError(`Key and IV must have 16 bytes: they have ${key.byteLength} and ${iv.byteLength}`);
  }
  return {
    name: "decrypt",
    transform: (input, context) =>
      withoutPadding(decryptInThreads(input, { key, iv }, context), "the stream"),
  };
}

async function* decryptInThreads(input: Bytes, { key, iv }: DecryptOptions, context: Context): Bytes {
  const reader = byteReader(input);
  const free: SharedArrayBuffer[] = [];
  const pending: Promise<Piece>[] = [];
  let nextIv = iv;

  async function open(piece: Piece, pieceIv: Uint8Array): Promise<Piece> {
    // Bytes after the last whole block are passed on as they are: withoutPadding refuses the length at the end.
    const lengthBytes = piece.lengthBytes - (piece.lengthBytes % BLOCK_BYTES);
    const { memory } = piece;
    if (lengthBytes === 0) return piece;
    await context.threads.run("decryptBlocks", { memory, lengthBytes, key, iv: pieceIv }, context.signal);
    return piece;
  }

  try {
    for (let ended = false; !ended || pending.length > 0;) {
      while (!ended && pending.length < context.threads.count + PIECES_AHEAD) {
        const piece = await fill(reader, free.pop() ?? new SharedArrayBuffer(PIECE_BYTES));
        ended = piece.lengthBytes < PIECE_BYTES;
        // Taken before the piece is handed over, as the thread overwrites it.
        const lastBlock = new Uint8Array(piece.memory).slice(PIECE_BYTES - BLOCK_BYTES);
        const opened = open(piece, nextIv);
        nextIv = lastBlock;
        opened.catch(() => undefined); // seen when its turn comes; must not count as unhandled until then
        pending.push(opened);
      }
      const piece = await pending.shift();
      if (piece === undefined) return;
      // A copy, as a chunk belongs to whoever pulled it and this memory is used again.
      yield Buffer.from(new Uint8Array(piece.memory, 0, piece.lengthBytes));
      free.push(piece.memory);
    }
  } finally {
    await Promise.allSettled(pending);
    await reader.close();
  }
}

interface Piece {
  readonly memory: SharedArrayBuffer;
  readonly lengthBytes: number;
}

async function fill(reader: ByteReader, memory: SharedArrayBuffer): Promise<Piece> {
  const into = new Uint8Array(memory);
  let lengthBytes = 0;
  while (lengthBytes < PIECE_BYTES) {
    const chunk = await reader.next(PIECE_BYTES - lengthBytes);
    if (chunk === undefined) break;
    into.set(chunk, lengthBytes);
    lengthBytes += chunk.byteLength;
  }
  return { memory, lengthBytes };
}
