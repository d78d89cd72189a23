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

/** The first place that is named twice; undefined when all are different. */
export function firstTwice(places: readonly number[]): number | undefined {
  const seen = new Set<number>();
  for (const place of places) {
    if (seen.has(place)) return place;
    seen.add(place);
  }
  return undefined;
}

function inWords({ what, offset, length }: Region): string {
  return `the ${what} at byte ${offset} (${length} bytes)`;
}
