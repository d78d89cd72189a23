import { ImportError } from "../../pipeline/errors.ts";

/** Everything in a tar archive stands in blocks of this size. */
export const TAR_BLOCK_BYTES = 512;

/** The fields of one header block that matter here (POSIX.1-1988 ustar, old GNU, and v7 without magic). */
export interface TarHeader {
  /** With the ustar prefix; may be overridden by a PAX or long-name header before it. */
  readonly name: string;
  /** Of what is stored after the header, without padding. */
  readonly sizeBytes: number;
  /** The type flag as a character; `0` also for the NUL of v7. */
  readonly type: string;
  /** The block itself, for what only some types have. */
  readonly block: Buffer;
}

/**
 * Reads one header block; undefined for a block of zeros, which ends an archive.
 * Throws ARCHIVE_INVALID when the checksum or a number is wrong.
 */
export function parseTarHeader(bytes: Uint8Array): TarHeader | undefined {
  const block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (block.every((byte) => byte === 0)) return undefined;
  if (!hasRightChecksum(block)) throw archiveInvalid("a header has the wrong checksum");
  const isPosix = block.toString("latin1", 257, 263) === "ustar\0";
  const prefix = isPosix ? textField(block, 345, 155) : "";
  const name = textField(block, 0, 100);
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    sizeBytes: tarNumber(block, 124, 12),
    type: String.fromCharCode(block[156] || 0x30),
    block,
  };
}

/** Whether `head`, the first 512 bytes or more of a file, begins a tar archive with a member. Never throws. */
export function isTar(head: Uint8Array): boolean {
  if (head.byteLength < TAR_BLOCK_BYTES) return false;
  const block = Buffer.from(head.buffer, head.byteOffset, TAR_BLOCK_BYTES);
  return block[0] !== 0 && hasRightChecksum(block);
}

/** The sum of all bytes with the checksum field as blanks; some old tars added them as signed. */
function hasRightChecksum(block: Buffer): boolean {
  const field = /^ *([0-7]{1,8})[ \0]*$/.exec(block.toString("latin1", 148, 156));
  if (field === null) return false;
  let unsigned = 8 * 0x20;
  let signed = unsigned;
  block.forEach((byte, at) => {
    if (at >= 148 && at < 156) return;
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  });
  const stated = Number.parseInt(field[1] ?? "", 8);
  return stated === unsigned || stated === signed;
}

/**
 * A number field: octal text, or, when the first bit is set, GNU's base-256 (big-endian two's complement), which tars
 * use from 8 GiB on. Throws ARCHIVE_INVALID for anything else, for negative ones and beyond 2^53.
 */
export function tarNumber(block: Buffer, at: number, lengthBytes: number): number {
  const field = block.subarray(at, at + lengthBytes);
  const first = field[0] ?? 0;
  let value: number;
  if (first >= 0x80) {
    value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, first & 0x7f);
  } else {
    const octal = /^ *([0-7]*)[ \0]*$/.exec(field.toString("latin1"));
    if (octal === null) throw archiveInvalid("a number in a header is not octal");
    value = octal[1] === "" ? 0 : Number.parseInt(octal[1] ?? "", 8);
  }
  if (!Number.isSafeInteger(value)) throw archiveInvalid("a number in a header is negative or too large");
  return value;
}

/** Up to the first NUL or the end of the field. */
export function textField(block: Buffer, at: number, lengthBytes: number): string {
  const field = block.subarray(at, at + lengthBytes);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end === -1 ? lengthBytes : end);
}

/** `sizeBytes` rounded up to whole blocks. */
export function paddedBytes(sizeBytes: number): number {
  return Math.ceil(sizeBytes / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
}

export function archiveInvalid(reason: string): ImportError {
  return new ImportError("ARCHIVE_INVALID", `Cannot read the tar archive as ${reason}`, {
    step: "untar",
    remedy: "Get the archive again from where it was made and compare its checksum",
  });
}

export function archiveUnsafe(reason: string): ImportError {
  return new ImportError("ARCHIVE_UNSAFE", `Cannot accept the tar archive as ${reason}`, {
    step: "untar",
    remedy: "Pack the image again, alone and under a plain name",
  });
}
