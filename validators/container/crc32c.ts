/** Castagnoli, reflected: the polynomial of iSCSI (RFC 3720) and of VHDX. */
const POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL;
  return crc;
});

/** CRC-32C of `bytes`, where the four bytes from `zeroAt` on count as zero, as a checksum within its own structure does. */
export function crc32c(bytes: Uint8Array, zeroAt?: number): number {
  let crc = 0xffffffff;
  for (let at = 0; at < bytes.byteLength; at++) {
    const isZero = zeroAt !== undefined && at >= zeroAt && at < zeroAt + 4;
    crc = (crc >>> 8) ^ (TABLE[(crc ^ (isZero ? 0 : (bytes[at] ?? 0))) & 0xff] ?? 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
