/** Reads bits, most significant first, from a buffer that is filled up between calls. */
export interface BitReader {
  /** The next `count` bits, at most 24; zeros past the end. */
  peek(count: number): number;
  skip(count: number): void;
  /** `peek` and `skip` at once. */
  read(count: number): number;
  /** Goes on at the next whole byte. */
  align(): void;
  /** Bytes of the buffer used up, the one begun included; more than there are once bits past the end were taken. */
  readonly usedBytes: number;
  /** Starts over at byte 0 and bit `usedBits` of `buffer`. */
  reset(buffer: Uint8Array, usedBits: number): void;
  /** Bits used of the last byte that was begun. */
  readonly position: { readonly bytes: number; readonly bits: number };
}

export function bitReader(): BitReader {
  let buffer: Uint8Array = new Uint8Array();
  let at = 0;
  let held = 0;
  let heldBits = 0;

  function fill(): void {
    while (heldBits <= 24) {
      held = (held << 8) | (buffer[at] ?? 0);
      at++;
      heldBits += 8;
    }
  }

  const reader: BitReader = {
    peek(count) {
      if (heldBits < count) fill();
      return count === 0 ? 0 : ((held << (32 - heldBits)) >>> (32 - count)) >>> 0;
    },
    skip(count) {
      if (heldBits < count) fill();
      heldBits -= count;
    },
    read(count) {
      const bits = reader.peek(count);
      heldBits -= count;
      return bits;
    },
    align() {
      heldBits -= heldBits % 8;
    },
    get usedBytes() {
      return at - Math.floor(heldBits / 8);
    },
    get position() {
      const usedBits = at * 8 - heldBits;
      return { bytes: Math.floor(usedBits / 8), bits: usedBits % 8 };
    },
    reset(next, usedBits) {
      buffer = next;
      at = 0;
      held = 0;
      heldBits = 0;
      if (usedBits > 0) reader.skip(usedBits);
    },
  };
  return reader;
}
