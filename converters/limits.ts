/** BDRV_MAX_LENGTH of qemu is a little below 2^63; a byte count here is a safe integer. */
export const MAX_QEMU_BYTES = 2 ** 53 - 512;

const MIB = 1024 ** 2;

/**
 * A bound for formats whose writer cannot be asked: one 512th for tables, markers and incompressible data that grows, and
 * 32 MiB for headers and the last block. Blocks of 32 MiB are the largest (VHDX); tests hold it against full disks.
 */
export function withTables(virtualSizeBytes: number): number {
  return virtualSizeBytes + Math.ceil(virtualSizeBytes / 512) + 64 * MIB;
}
