import type { IncomingHttpHeaders } from "node:http";
import { type ErrorDetails, ImportError } from "../../pipeline/errors.ts";

/** An error that says how long the server wants to be left alone. */
export class BusyError extends ImportError {
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number, details: ErrorDetails) {
    super("SOURCE_UNAVAILABLE", message, details);
    this.retryAfterMs = retryAfterMs;
  }
}

/** A server that asks for more is not obeyed: somebody is waiting. */
const MAX_RETRY_AFTER_MS = 60_000;
/** As S3 stores allow between the clocks, https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. */
const MAX_CLOCK_SKEW_MS = 15 * 60_000;
/** Statuses outside the 500s after which the same request may succeed. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * What an answer other than the content means: SOURCE_FORBIDDEN (401, 403), SOURCE_NOT_FOUND (404, 410), SOURCE_CHANGED
 * (412), SOURCE_UNAVAILABLE (408, 425, 429, 5xx; with the Retry-After that was asked for), CLOCK_SKEW for a signed address
 * that another clock refuses, SOURCE_UNSUITABLE for the rest. `url` is looked at, never shown.
 */
export function httpStatusError(
  status: number,
  headers: IncomingHttpHeaders,
  url: URL,
  name: string,
): ImportError {
  const reading = `Cannot read "${name}" as the server answered ${status}`;
  if (status === 403 || status === 401) return refusal(reading, headers, url);
  if (status === 404 || status === 410) {
    return new ImportError("SOURCE_NOT_FOUND", reading, { remedy: "Check the address" });
  }
  if (status === 412) return changed(name);
  if (PASSING.has(status) || status >= 500) {
    const details = { remedy: "Try again later, or ask the operator of the server" };
    return new BusyError(reading, retryAfterMs(headers["retry-after"], Date.now()), details);
  }
  return new ImportError("SOURCE_UNSUITABLE", reading, { remedy: "Give the address of the file itself" });
}

/** That the content is another than was seen before; `why` is a clause. */
export function changed(name: string, why = "the server has another version now"): ImportError {
  return new ImportError("SOURCE_CHANGED", `Cannot read on in "${name}" as ${why}`, {
    remedy: "Start again when nobody writes it any more",
  });
}

function refusal(reading: string, headers: IncomingHttpHeaders, url: URL): ImportError {
  const endMs = signedUntilMs(url.searchParams);
  if (endMs === undefined) {
    return new ImportError("SOURCE_FORBIDDEN", reading, { remedy: "Check the credentials and the address" });
  }
  const serverMs = Date.parse(headers.date ?? "");
  if (Math.abs(serverMs - Date.now()) > MAX_CLOCK_SKEW_MS) {
    return new ImportError("CLOCK_SKEW", `${reading} and its clock differs from this machine's`, {
      remedy: "Set this machine's clock",
    });
  }
  const nowMs = Number.isNaN(serverMs) ? Date.now() : serverMs;
  const expired = endMs <= nowMs ? ` and its signature expired at ${new Date(endMs).toISOString()}` : "";
  return new ImportError("SOURCE_FORBIDDEN", `${reading}${expired}`, {
    remedy: "Get a newly signed address from whoever gave this one",
  });
}

/** When a pre-signed address ends: query signatures v2 (`Expires`, epoch seconds) and v4 (`X-Amz-Date`, `X-Amz-Expires`). */
function signedUntilMs(query: URLSearchParams): number | undefined {
  const seconds = Number(query.get("Expires") ?? Number.NaN);
  if (query.has("Signature") && Number.isFinite(seconds)) return endOf(seconds * 1000);
  const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(query.get("X-Amz-Date") ?? "");
  const lifeSeconds = Number(query.get("X-Amz-Expires") ?? Number.NaN);
  if (date === null || !Number.isFinite(lifeSeconds)) return undefined;
  const [, year, month, day, hour, minute, second] = date;
  return endOf(Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) + lifeSeconds * 1000);
}

/** Only what a Date can hold. */
function endOf(ms: number): number | undefined {
  return Math.abs(ms) <= 8.64e15 ? ms : undefined;
}

/** RFC 9110 section 10.2.3: seconds or a date. */
function retryAfterMs(header: string | undefined, nowMs: number): number {
  if (header === undefined) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(0, ms), MAX_RETRY_AFTER_MS);
}
