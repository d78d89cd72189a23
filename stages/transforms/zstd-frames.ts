/** RFC 8878 section 3.1.1. */
const MAGIC = 0xfd2fb528;
/** RFC 8878 section 3.1.2: 0x184D2A50 to 0x184D2A5F. */
const SKIPPABLE_MAGIC = 0x184d2a50;

export const ZSTD_MAGIC_BYTES = 4;

/** The magic, and the byte that says how long the header is. */
const PREFIX_BYTES = ZSTD_MAGIC_BYTES + 1;

/** What RFC 8878 section 3.1.1.1.2 asks decoders to support at least is 8 MiB; zstd --long makes 128 MiB. */
export const MAX_ZSTD_WINDOW_BYTES = 128 * 1024 * 1024;

export type ZstdFault = "reserved block type" | "window too large";

/** Whether the four bytes begin a frame, skippable or not. */
export function beginsFrame(bytes: Uint8Array): boolean {
  if (bytes.byteLength < ZSTD_MAGIC_BYTES) return false;
  const magic = Buffer.from(bytes).readUInt32LE();
  return magic === MAGIC || magic >>> 4 === SKIPPABLE_MAGIC >>> 4;
}

/**
 * Follows the structure of one Zstandard frame that {@link beginsFrame}, without decoding it, to know where it ends: decoders swallow what
 * follows, or the lack of an end, each in its own way.
 */
export interface ZstdFrame {
  /** Takes the next bytes and tells how many of them belong to the frame. */
  advance(chunk: Uint8Array): number;
  readonly ended: boolean;
  readonly fault: ZstdFault | undefined;
}

export function zstdFrame(): ZstdFrame {
  const pending = Buffer.alloc(32);
  let pendingBytes = 0;
  let wantedBytes = PREFIX_BYTES;
  let passBytes = 0;
  let checksumBytes = 0;
  let isLast = false;
  let ended = false;
  let fault: ZstdFault | undefined;
  let next: () => void = prefix;

  const want = (bytes: number, then: () => void): void => {
    wantedBytes = bytes;
    next = then;
  };

  function prefix(): void {
    const magic = pending.readUInt32LE();
    if (magic >>> 4 === SKIPPABLE_MAGIC >>> 4) return want(8, skippable);
    const descriptor = pending.readUInt8(4);
    const isSingleSegment = (descriptor & 0x20) !== 0;
    checksumBytes = (descriptor & 0x04) !== 0 ? 4 : 0;
    const contentSizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
    const dictionaryIdBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
    want(PREFIX_BYTES + (isSingleSegment ? 0 : 1) + dictionaryIdBytes + contentSizeBytes, () => {
      if (windowBytes(isSingleSegment, contentSizeBytes) > MAX_ZSTD_WINDOW_BYTES)
        return fail("window too large");
      pendingBytes = 0;
      want(3, block);
    });
  }

  /** A single segment needs its whole content as window; else RFC 8878 section 3.1.1.1.2. */
  function windowBytes(isSingleSegment: boolean, contentSizeBytes: number): number {
    if (!isSingleSegment) {
      const windowDescriptor = pending.readUInt8(PREFIX_BYTES);
      const base = 2 ** (10 + (windowDescriptor >> 3));
      return base + (base / 8) * (windowDescriptor & 7);
    }
    const at = pendingBytes - contentSizeBytes;
    if (contentSizeBytes === 8) return Number(pending.readBigUInt64LE(at));
    return pending.readUIntLE(at, contentSizeBytes) + (contentSizeBytes === 2 ? 256 : 0);
  }

  function skippable(): void {
    passBytes = pending.readUInt32LE(4);
    pendingBytes = 0;
    want(0, end);
  }

  function block(): void {
    const header = pending.readUIntLE(0, 3);
    const type = (header >> 1) & 3;
    if (type === 3) return fail("reserved block type");
    isLast = (header & 1) !== 0;
    passBytes = type === 1 ? 1 : header >> 3; // a run-length block holds one byte, however long it decodes
    pendingBytes = 0;
    if (!isLast) return want(3, block);
    passBytes += checksumBytes;
    want(0, end);
  }

  function end(): void {
    ended = true;
  }

  function fail(what: ZstdFault): void {
    fault = what;
  }

  return {
    get ended() {
      return ended;
    },
    get fault() {
      return fault;
    },
    advance(chunk) {
      let at = 0;
      // oxlint-disable-next-line no-unmodified-loop-condition -- next() modifies them
      while (!ended && fault === undefined) {
        const passed = Math.min(passBytes, chunk.byteLength - at);
        passBytes -= passed;
        at += passed;
        if (passBytes > 0) break;
        const taken = Math.min(wantedBytes - pendingBytes, chunk.byteLength - at);
        pending.set(chunk.subarray(at, at + taken), pendingBytes);
        pendingBytes += taken;
        at += taken;
        if (pendingBytes < wantedBytes) break;
        next();
      }
      return at;
    },
  };
}
