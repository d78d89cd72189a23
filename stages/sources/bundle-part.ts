import { createDecipheriv, createHash } from "node:crypto";
import type { Bytes, Context, Source } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import type { BundlePart } from "../../manifest/bundle.ts";
import { BLOCK_BYTES } from "../cbc-padding.ts";
import { type ByteReader, byteReader } from "../byte-reader.ts";

/** Parts up to this size are taken into memory and opened in a thread; larger ones, which no tool makes, are streamed. */
export const PART_SLOT_BYTES = 16 * 1024 * 1024;

/** Plaintext is handed on in pieces of this size. */
const PIECE_BYTES = 1024 * 1024;

/** Ciphertext kept to go on from: a block begun at the end of a part, and the whole block before it, which is its IV. */
const TAIL_BYTES = 2 * BLOCK_BYTES;

/** Where a part begins in the cipher stream. */
export interface CipherPlace {
  /** Ciphertext bytes before it. */
  readonly offset: number;
  /** The last of them, at least those since the beginning of the block before; the IV at the start. */
  readonly tail: Uint8Array;
}

export interface PartRequest {
  readonly part: BundlePart;
  readonly source: Source;
  readonly key: Uint8Array;
  /** {@link PART_SLOT_BYTES} that are the part's until its bytes have been read. */
  readonly memory: SharedArrayBuffer;
  readonly before: Promise<CipherPlace>;
}

/** A part on its way. */
export interface PartOnItsWay {
  /** Where the next part begins; known before this one is decrypted, so that threads work on several. */
  readonly after: Promise<CipherPlace>;
  readonly ready: Promise<FetchedPart>;
}

/** A part that is ready to be read. */
export interface FetchedPart {
  readonly part: BundlePart;
  readonly memory: SharedArrayBuffer;
  readonly lengthBytes: number;
  /** Plaintext when a thread has opened it; else ciphertext. */
  readonly content: "plain" | "cipher";
  readonly before: CipherPlace;
  /** What did not fit into the memory, of a large part; and whom to tell where it ends. */
  readonly rest?: { readonly reader: ByteReader; readonly end: PromiseWithResolvers<CipherPlace> };
}

/**
 * Fetches one part and, as soon as the part before has been fetched, opens it in a thread. What does not begin and end
 * with a block (a part size that is no multiple of 16), or is too large, is left for {@link partPlainBytes} to decrypt.
 * `fetching` ends fetches only: what a thread has begun takes milliseconds, and stopping it would end the thread.
 */
export function startPart(request: PartRequest, context: Context, fetching: Context): PartOnItsWay {
  const end = Promise.withResolvers<CipherPlace>();
  const ready = fetchAndOpen(request, end, context, fetching);
  // Seen when their turn comes; must not count as unhandled until then.
  ready.catch(end.reject);
  end.promise.catch(() => undefined);
  return { after: end.promise, ready };
}

async function fetchAndOpen(
  { part, source, key, memory, ...request }: PartRequest,
  end: PromiseWithResolvers<CipherPlace>,
  context: Context,
  fetching: Context,
): Promise<FetchedPart> {
  const reader = byteReader(source.bytes(fetching));
  let isWhole = false;
  try {
    const fetched = await fill(reader, new Uint8Array(memory)).catch((error: unknown) => {
      throw cannotRead(part, error);
    });
    const { lengthBytes } = fetched;
    const cipher = new Uint8Array(memory, 0, lengthBytes);
    const ownTail = cipher.slice(-TAIL_BYTES);
    const before = await request.before;
    isWhole = fetched.isWhole;
    if (!isWhole) return { part, memory, lengthBytes, before, content: "cipher", rest: { reader, end } };
    end.resolve(nextPlace(before, ownTail, lengthBytes));
    if (before.offset % BLOCK_BYTES !== 0 || lengthBytes % BLOCK_BYTES !== 0) {
      expectSha1(part, createHash("sha1").update(cipher).digest("hex"));
      return { part, memory, lengthBytes, before, content: "cipher" };
    }
    const iv = before.tail.slice(-BLOCK_BYTES);
    const { sha1 } = await context.threads.run("openPart", { memory, lengthBytes, key, iv }, context.signal);
    expectSha1(part, sha1);
    return { part, memory, lengthBytes, before, content: "plain" };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

/** Ends what a part that will not be read still holds, and the wait of those behind it. */
export async function abandonPart({ ready }: PartOnItsWay): Promise<void> {
  const [outcome] = await Promise.allSettled([ready]);
  if (outcome.status === "rejected" || outcome.value.rest === undefined) return;
  const { reader, end } = outcome.value.rest;
  await reader.close();
  end.reject(new Error("The part was not read"));
}

/** The plaintext of a part; copies, as its memory is used again. Large parts are read and checked here. */
export async function* partPlainBytes(fetched: FetchedPart, key: Uint8Array): Bytes {
  if (fetched.content === "plain") yield* pieces(fetched);
  else if (fetched.rest === undefined) yield* decrypted(pieces(fetched), fetched.before, key);
  else yield* decrypted(streamed(fetched, fetched.rest), fetched.before, key);
}

async function* pieces({ memory, lengthBytes }: FetchedPart): Bytes {
  for (let at = 0; at < lengthBytes; at += PIECE_BYTES) {
    yield Buffer.from(new Uint8Array(memory, at, Math.min(PIECE_BYTES, lengthBytes - at)));
  }
}

/** What is in memory of a part, and then the rest of it from its source. */
async function* streamed(fetched: FetchedPart, { reader, end }: NonNullable<FetchedPart["rest"]>): Bytes {
  const { part, before } = fetched;
  const hash = createHash("sha1");
  let place = before;
  const seen = (chunk: Uint8Array): Uint8Array => {
    hash.update(chunk);
    place = nextPlace(place, chunk, chunk.byteLength);
    return chunk;
  };
  try {
    for await (const piece of pieces(fetched)) yield seen(piece);
    for (;;) {
      const chunk = await reader.next(PIECE_BYTES).catch((error: unknown) => {
        throw cannotRead(part, error);
      });
      if (chunk === undefined) break;
      yield seen(chunk);
    }
    expectSha1(part, hash.digest("hex"));
    end.resolve(place);
  } finally {
    await reader.close();
    end.reject(new Error("The part was not read to its end")); // without effect when it was
  }
}

/** Decrypts from any byte of the stream on: the block begun before is completed first. */
async function* decrypted(cipher: Bytes, { offset, tail }: CipherPlace, key: Uint8Array): Bytes {
  const begun = offset % BLOCK_BYTES;
  const blockStart = tail.byteLength - begun;
  const decipher = createDecipheriv("aes-128-cbc", key, tail.subarray(blockStart - BLOCK_BYTES, blockStart));
  decipher.setAutoPadding(false);
  decipher.update(tail.subarray(blockStart));
  for await (const chunk of cipher) {
    const plain = decipher.update(chunk);
    if (plain.byteLength > 0) yield plain;
  }
}

function nextPlace(before: CipherPlace, end: Uint8Array, lengthBytes: number): CipherPlace {
  const tail = Buffer.concat([before.tail, end.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
  return { offset: before.offset + lengthBytes, tail };
}

async function fill(
  reader: ByteReader,
  into: Uint8Array,
): Promise<{ readonly lengthBytes: number; readonly isWhole: boolean }> {
  let lengthBytes = 0;
  for (;;) {
    const chunk = await reader.next();
    if (chunk === undefined) return { lengthBytes, isWhole: true };
    const fits = Math.min(chunk.byteLength, into.byteLength - lengthBytes);
    into.set(chunk.subarray(0, fits), lengthBytes);
    lengthBytes += fits;
    if (fits === chunk.byteLength) continue;
    reader.unread(chunk.subarray(fits));
    return { lengthBytes, isWhole: false };
  }
}

function expectSha1(part: BundlePart, found: string): void {
  if (part.sha1 === undefined || part.sha1 === found) return;
  throw new ImportError(
    "CHECKSUM_MISMATCH",
    `Cannot accept part ${part.index} "${part.fileName}" as its SHA-1 is ${found}: ${part.sha1} is wanted`,
    { step: "read", remedy: "Get this part again from where the bundle was made; it was damaged on the way" },
  );
}

/** Says which part it was; code and remedy stay. */
function cannotRead(part: BundlePart, error: unknown): unknown {
  if (!(error instanceof ImportError)) return error;
  const { code, message, remedy, step } = error;
  return new ImportError(
    code,
    `Cannot read part ${part.index} "${part.fileName}" of the bundle: ${message}`,
    {
      cause: error,
      ...(remedy === undefined ? {} : { remedy }),
      ...(step === undefined ? {} : { step }),
    },
  );
}
