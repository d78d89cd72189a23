/** The grain of zero detection: the block size of the file systems that results are written to. */
export const ZERO_GRAIN_BYTES = 4096;

const ZEROES = Buffer.alloc(1024 * 1024);

/** Whether every byte is zero. Compares with memcmp, so data is told from zero at its first bytes. */
export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.byteLength; at += ZEROES.byteLength) {
    const piece = bytes.subarray(at, Math.min(at + ZEROES.byteLength, bytes.byteLength));
    if (ZEROES.compare(piece, 0, piece.byteLength, 0, piece.byteLength) !== 0) return false;
  }
  return true;
}

/** Yields `lengthBytes` zero bytes in shared chunks that must not be written to. */
export function* zeroes(lengthBytes: number): Generator<Uint8Array> {
  for (let left = lengthBytes; left > 0; left -= ZEROES.byteLength) {
    yield left >= ZEROES.byteLength ? ZEROES : ZEROES.subarray(0, left);
  }
}

/**
 * The runs of `bytes` that are not zero, as `[start, end)` pairs on the grid of {@link ZERO_GRAIN_BYTES}.
 * Strides double while they are zero, so a long hole costs few comparisons.
 */
export function dataRuns(bytes: Uint8Array): readonly (readonly [start: number, end: number])[] {
  const runs: [number, number][] = [];
  let strideBytes = ZERO_GRAIN_BYTES;
  let at = 0;
  while (at < bytes.byteLength) {
    const end = Math.min(at + strideBytes, bytes.byteLength);
    if (isZero(bytes.subarray(at, end))) {
      strideBytes *= 2;
      at = end;
    } else if (strideBytes > ZERO_GRAIN_BYTES) {
      strideBytes = ZERO_GRAIN_BYTES;
    } else {
      const last = runs.at(-1);
      if (last?.[1] === at) last[1] = end;
      else runs.push([at, end]);
      at = end;
    }
  }
  return runs;
}
