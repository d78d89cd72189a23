import { ImportError } from "../../pipeline/errors.ts";
import { isZero } from "../../pipeline/zero.ts";

/** Everything in a tar archive stands in blocks of this size. */
export const TAR_BLOCK_BYTES = 512;

/** Of a block of zeros: the checksum is over blanks in its own place. */
const EMPTY_CHECKSUM = 8 * 0x20;

/** A header block that is fit for tar-stream, and what has to be known of it before (all formats have it there). */
export interface TarHeader {
  /** The type flag as a character; `0` also for the NUL of v7. */
  readonly type: string;
  /** As the header itself states it; a PAX header before it may know better. */
  readonly sizeBytes: number;
  /** The block, with an unsigned checksum. */
  readonly block: Buffer;
}

/**
 * Checks one header block as strictly as tar-stream does not; undefined for a block of zeros, which ends an archive.
 * Throws ARCHIVE_INVALID when the checksum or the size is wrong.
 */
export function parseTarHeader(bytes: Uint8Array): TarHeader | undefined {
  const block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isZero(block)) return undefined;
  const { unsigned, signed } = checksums(block);
  const stated = statedChecksum(block);
  if (stated !== unsigned && stated !== signed) throw archiveInvalid("a header has the wrong checksum");
  if (unsigned === EMPTY_CHECKSUM) throw archiveInvalid("a header holds nothing but its checksum");
  return {
    type: String.fromCharCode(block[156] || 0x30),
    sizeBytes: tarNumber(block, 124, 12),
    block: stated === unsigned ? block : withChecksum(block), // tar-stream knows unsigned ones only
  };
}

/** Whether `head`, the first 512 bytes or more of a file, begins a tar archive with a member. Never throws. */
export function isTar(head: Uint8Array): boolean {
  if (head.byteLength < TAR_BLOCK_BYTES) return false;
  const block = Buffer.from(head.buffer, head.byteOffset, TAR_BLOCK_BYTES);
  const { unsigned, signed } = checksums(block);
  const stated = statedChecksum(block);
  return block[0] !== 0 && (stated === unsigned || stated === signed);
}

/** The sum of all bytes with the checksum field as blanks; some old tars added them as signed. */
function checksums(block: Buffer): { readonly unsigned: number; readonly signed: number } {
  let unsigned = EMPTY_CHECKSUM;
  let highBytes = 0;
  block.forEach((byte, at) => {
    if (at >= 148 && at < 156) return;
    unsigned += byte;
    if (byte >= 128) highBytes++;
  });
  return { unsigned, signed: unsigned - 256 * highBytes };
}

/** What the checksum field says; undefined where it holds no octal number. */
function statedChecksum(block: Buffer): number | undefined {
  const field = /^ *([0-7]{1,8})[ \0]*$/.exec(block.toString("latin1", 148, 156));
  return field === null ? undefined : Number.parseInt(field[1] ?? "", 8);
}

/** A copy of a header block with its checksum set. */
export function withChecksum(block: Uint8Array): Buffer {
  const copy = Buffer.from(block);
  copy.write(`${checksums(copy).unsigned.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return copy;
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

export function archiveInvalid(reason: string, cause?: unknown): ImportError {
  return new ImportError("ARCHIVE_INVALID", `Cannot read the tar archive as ${reason}`, {
    step: "untar",
    remedy: "Get the archive again from where it was made and compare its checksum",
    cause,
  });
}

export function archiveUnsafe(reason: string): ImportError {
  return new ImportError("ARCHIVE_UNSAFE", `Cannot accept the tar archive as ${reason}`, {
    step: "untar",
    remedy: "Pack the image again, alone and under a plain name",
  });
}
