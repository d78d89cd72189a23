/**
 * Unsigned 64-bit fields as numbers. Past 2^53 the value is rounded, which is enough to see that it is out of all
 * bounds; no arithmetic of a rule wraps around or becomes negative.
 */
export function u64be(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

/** As {@link u64be}, little-endian. */
export function u64le(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * 2 ** 32 + bytes.readUInt32LE(at);
}

/** A copy of `bytes` that is at least `lengthBytes` long, so that fixed fields of a cut header read as zero. */
export function padded(bytes: Uint8Array, lengthBytes: number): Buffer {
  const whole = Buffer.alloc(Math.max(bytes.byteLength, lengthBytes));
  whole.set(bytes);
  return whole;
}

/** Text of an image for a message: in one piece, quoted, without control characters, not longer than a line. */
export function quoted(text: string): string {
  return JSON.stringify(text.replaceAll(/\p{C}/gu, "?").slice(0, 100));
}

export function isPowerOfTwo(value: number): boolean {
  return value >= 1 && Number.isInteger(Math.log2(value));
}
