import type { IncomingHttpHeaders } from "node:http";
import { changed } from "./http-errors.ts";
import type { HttpAnswer } from "./http-exchange.ts";

type Heads = Pick<HttpAnswer, "status" | "headers">;

/** What the first answer said of the content, to hold later answers against. */
export interface Seen {
  readonly sizeBytes: number | undefined;
  readonly etag: string | undefined;
  readonly modified: string | undefined;
  readonly seekable: boolean;
}

/** What an answer to a GET, ranged or not, says of the whole content. */
export function sight({ status, headers }: Heads): Seen {
  const length = Number(headers["content-length"] ?? Number.NaN);
  const whole = Number.isSafeInteger(length) ? length : undefined;
  const sizeBytes = status === 200 ? whole : contentRange(headers)?.totalBytes;
  return { sizeBytes, etag: headers.etag, modified: headers["last-modified"], seekable: status !== 200 };
}

/** Throws SOURCE_CHANGED when an answer tells of other content than the first one did. */
export function compare(answer: Heads, first: Seen, name: string): void {
  const now = sight(answer);
  for (const key of ["etag", "modified", "sizeBytes"] as const) {
    if (first[key] === undefined || now[key] === undefined || first[key] === now[key]) continue;
    // Where the ETag is the same, servers behind one name may still differ in the date.
    if (key === "modified" && first.etag !== undefined && first.etag === now.etag) continue;
    const what = { etag: "ETag", modified: "date", sizeBytes: "size" }[key];
    throw changed(name, `its ${what} was ${first[key]} and is ${now[key]} now`);
  }
}

/** `bytes 0-9/100`, `bytes 0-9/*`, and `bytes * /100` of a 416. */
export function contentRange(
  headers: IncomingHttpHeaders,
): { readonly first: number; readonly last: number; readonly totalBytes: number | undefined } | undefined {
  const match = /^bytes (?:(\d+)-(\d+)|\*)\/(?:(\d+)|\*)$/.exec(headers["content-range"] ?? "");
  if (match === null) return undefined;
  const [, first, last, total] = match;
  const totalBytes = total === undefined ? undefined : Number(total);
  if (totalBytes !== undefined && !Number.isSafeInteger(totalBytes)) return undefined;
  return { first: Number(first ?? 0), last: Number(last ?? -1), totalBytes };
}
