/**
 * The entries whose value is not undefined: for optional properties, which under `exactOptionalPropertyTypes` must be
 * left out rather than be undefined.
 */
export function defined<T extends object>(entries: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
