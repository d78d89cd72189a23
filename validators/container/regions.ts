import type { ImageView } from "./image-view.ts";

/** A piece of the file that one table or structure claims for itself. */
export interface Region {
  readonly what: string;
  readonly offset: number;
  readonly length: number;
}

/** The first region that ends behind the file, in words; undefined when all are inside. */
export function firstOutside(regions: readonly Region[], fileBytes: number): string | undefined {
  const region = regions.find(({ offset, length }) => offset < 0 || offset + length > fileBytes);
  return region && `${inWords(region)} is outside the file of ${fileBytes} bytes`;
}

/** The first two regions that share bytes, in words; undefined when none do. */
export function firstOverlap(regions: readonly Region[]): string | undefined {
  const sorted = regions.filter(({ length }) => length > 0).toSorted((a, b) => a.offset - b.offset);
  let last: Region | undefined;
  for (const region of sorted) {
    if (last !== undefined && region.offset < last.offset + last.length) {
      return `${inWords(last)} and ${inWords(region)} overlap`;
    }
    last = region;
  }
  return undefined;
}

/** Where pieces of equal length stand, such as all blocks of data: tens of thousands of them. */
export interface Places {
  readonly what: string;
  readonly lengthBytes: number;
  readonly offsets: readonly number[];
}

/** The first piece that ends behind the file, in words; `leastBytes` of each must be there. */
export function firstPlaceOutside(
  places: Places,
  fileBytes: number,
  leastBytes = places.lengthBytes,
): string | undefined {
  const offset = places.offsets.find((offset) => offset + leastBytes > fileBytes);
  return offset === undefined
    ? undefined
    : `the ${places.what} at byte ${offset} is outside the file of ${fileBytes} bytes`;
}

/** The first two pieces that share bytes, or the first that stands where a table is, in words. */
export function firstPlaceShared(places: Places, tables: readonly Region[]): string | undefined {
  const { what, lengthBytes } = places;
  const sorted = Float64Array.from(places.offsets).sort();
  for (let index = 1; index < sorted.length; index++) {
    const [before = 0, offset = 0] = [sorted[index - 1], sorted[index]];
    if (offset - before < lengthBytes) return `two entries share the ${what} at byte ${offset}`;
  }
  for (const table of tables) {
    const end = table.offset + table.length;
    const offset =
      table.length === 0
        ? undefined
        : sorted.find((offset) => offset < end && offset + lengthBytes > table.offset);
    if (offset !== undefined) return `the ${what} at byte ${offset} and ${inWords(table)} overlap`;
  }
  return undefined;
}

function inWords({ what, offset, length }: Region): string {
  return `the ${what} at byte ${offset} (${length} bytes)`;
}

/** No table that anybody writes for a disk that is in use is read further than this; what is left is as if not at hand. */
const MAX_TABLE_BYTES = 256 * 1024;

/** The 4-byte or 8-byte entries of a table, or of its beginning; none of a table outside the file, about which there is a rule. */
export async function readTable(
  view: ImageView,
  { offset, length }: Region,
  entryBytes: 4 | 8,
): Promise<Buffer> {
  if (offset + length > (view.sizeBytes ?? Number.POSITIVE_INFINITY)) return Buffer.alloc(0);
  const table = await view.read(offset, Math.min(length, MAX_TABLE_BYTES));
  return table.subarray(0, table.byteLength - (table.byteLength % entryBytes));
}
