import { archiveInvalid } from "./header.ts";

/** What extended headers say of the member behind them; only what a reader of images needs. */
export interface PaxRecords {
  readonly values: ReadonlyMap<string, string>;
  /** GNU sparse format 0.0 repeats its two keys for each run, so that a map cannot hold them. */
  readonly sparseNumbers: readonly number[];
}

/**
 * Reads the records `LENGTH KEY=VALUE\n` of a PAX header, LENGTH counting the whole record in bytes (POSIX.1-2001, pax
 * "Extended Header"); later ones win. Stricter than tar-stream, which ends at a malformed one. Throws ARCHIVE_INVALID.
 */
export function parsePax(bytes: Uint8Array): PaxRecords {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Map<string, string>();
  const sparseNumbers: number[] = [];
  for (let at = 0; at < text.byteLength;) {
    const blank = text.indexOf(0x20, at);
    const digits = blank === -1 ? "" : text.toString("latin1", at, blank);
    const end = at + Number(digits);
    const equals = text.indexOf(0x3d, blank);
    if (
      !/^\d{1,8}$/.test(digits) ||
      end > text.byteLength ||
      text[end - 1] !== 0x0a ||
      equals === -1 ||
      equals >= end
    ) {
      throw archiveInvalid("a PAX header is malformed");
    }
    const key = text.toString("utf8", blank + 1, equals);
    const value = text.toString("utf8", equals + 1, end - 1);
    if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") sparseNumbers.push(decimal(value));
    else values.set(key, value);
    at = end;
  }
  return { values, sparseNumbers };
}

/** A count of bytes in decimal. Throws ARCHIVE_INVALID. */
export function decimal(text: string): number {
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) {
    throw archiveInvalid("a number in an extended header is not a count of bytes");
  }
  return value;
}
