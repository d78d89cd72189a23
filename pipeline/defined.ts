/** The entries of T that may be left out, as `exactOptionalPropertyTypes` wants it: absent rather than undefined. */
export type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The entries whose value is not undefined. */
export function defined<T extends object>(entries: T): Defined<T> {
  const kept = Object.entries(entries).filter(([, value]) => value !== undefined);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- entries are the same, but for those left out
  return Object.fromEntries(kept) as Defined<T>;
}
