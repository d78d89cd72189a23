import type { Bytes, Context, Source, SourceFacts } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { retry, type RetryOptions } from "../../pipeline/retry.ts";
import { DEFAULT_IDLE_TIMEOUT_MS, noteRetry, type RetryPolicy } from "../remote.ts";
import { parseHttpAddress } from "./http-address.ts";
import { type HttpAnswer, httpGet } from "./http-exchange.ts";
import { compare, contentRange, type Seen, sight } from "./http-sight.ts";
import { patient } from "./patience.ts";
import { bodyFault, chunksOf, tooLong } from "./response-body.ts";

export interface HttpSourceOptions {
  /** Sent to the address's own origin only, not to where it redirects. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long the server may be silent. Default {@link DEFAULT_IDLE_TIMEOUT_MS}. */
  readonly idleTimeoutMs?: number;
  /** Certificate authorities to trust instead of the system's, as PEM. */
  readonly ca?: string;
  readonly retry?: RetryPolicy;
}

/**
 * A file on an HTTP or HTTPS server, read as one stream and resumed at the byte where it broke. What later answers say
 * of ETag, date and size must be what the first one said, else SOURCE_CHANGED. A server without ranges is read again from
 * the start and skipped up to that byte, if ETag or date prove that it is the same file; else SOURCE_UNSUITABLE.
 *
 * The first look is a GET of one byte, not a HEAD, which addresses signed for GET refuse. User and password in the
 * address become Basic authorization; a user alone, as Eucalyptus writes (`imaging@`), is dropped. The name is origin and
 * path. Throws ARGUMENT_INVALID at once for what is no HTTP address; while reading what {@link httpGet} throws, and
 * SOURCE_TRUNCATED when the file turns out shorter than stated.
 */
export function httpSource(address: string | URL, options: HttpSourceOptions = {}): Source {
  const { url, name, authorization } = parseHttpAddress(address);
  const { idleTimeoutMs = DEFAULT_IDLE_TIMEOUT_MS, ca } = options;
  const headers = { "accept-encoding": "identity", ...authorization, ...options.headers };
  let seen: Promise<Seen> | undefined;

  const get = (extra: Readonly<Record<string, string>>, { signal }: Context): Promise<HttpAnswer> =>
    httpGet(url, { name, headers: { ...headers, ...extra }, signal, idleTimeoutMs, ca });

  const policy = (context: Context): RetryOptions =>
    patient({ ...options.retry, signal: context.signal, onRetry: noteRetry("read", context) });

  async function look(context: Context): Promise<Seen> {
    seen ??= retry(async () => {
      const answer = await get({ range: "bytes=0-0" }, context);
      answer.body.destroy();
      return sight(answer);
    }, policy(context));
    try {
      return await seen;
    } catch (error) {
      seen = undefined; // a failure, unlike an answer, may be different next time
      throw error;
    }
  }

  /** The content from `at` on, and what must be skipped before it. */
  async function open(at: number, first: Seen, resumed: boolean, context: Context) {
    const pin = first.etag?.startsWith('"') === true ? { "if-match": first.etag } : {};
    const ranged = first.seekable && at > 0;
    const answer = await get(ranged ? { range: `bytes=${at}-`, ...pin } : pin, context);
    try {
      compare(answer, first, name);
      if (answer.status === 416) throw truncated(name, at, first.sizeBytes);
      if (answer.status === 206 && contentRange(answer.headers)?.first !== at) throw ignoresRanges(name);
      const skipBytes = answer.status === 206 ? 0 : at;
      const provable = first.etag !== undefined || first.modified !== undefined;
      if (skipBytes > 0 && resumed && !provable) throw ignoresRanges(name);
      return { body: chunksOf(answer.body, { name, signal: context.signal, idleTimeoutMs }), skipBytes };
    } catch (error) {
      answer.body.destroy();
      throw error;
    }
  }

  async function* bytes(context: Context, fromByte = 0): Bytes {
    const first = await look(context);
    const { sizeBytes } = first;
    let at = fromByte;
    let resumed = false;
    let current: Awaited<ReturnType<typeof open>> | undefined;
    const options = policy(context);

    /** The next chunk of content, through as many connections as it takes; undefined at the end. */
    async function next(): Promise<Uint8Array | undefined> {
      try {
        current ??= await open(at, first, resumed, context);
        for (;;) {
          const { done, value } = await current.body.next();
          if (done === true) {
            if (sizeBytes !== undefined && at < sizeBytes) throw bodyFault(undefined, name);
            return undefined;
          }
          const fresh = value.subarray(Math.min(current.skipBytes, value.byteLength));
          current.skipBytes -= value.byteLength - fresh.byteLength;
          if (fresh.byteLength > 0) return fresh;
        }
      } catch (error) {
        await current?.body.return();
        current = undefined;
        resumed = true;
        throw error;
      }
    }

    try {
      while (at !== sizeBytes) {
        const chunk = await retry(next, options);
        if (chunk === undefined) return;
        at += chunk.byteLength;
        if (sizeBytes !== undefined && at > sizeBytes) throw tooLong(name);
        yield chunk;
      }
      if (current !== undefined && !(await ends(current.body))) throw tooLong(name);
    } finally {
      await current?.body.return();
    }
  }

  return {
    name,
    async facts(context): Promise<SourceFacts> {
      const { sizeBytes, etag, modified, seekable } = await look(context);
      const identity = etag ?? (modified === undefined ? undefined : `${modified}/${sizeBytes ?? "?"}`);
      return {
        seekable,
        ...(sizeBytes === undefined ? {} : { sizeBytes }),
        ...(identity === undefined ? {} : { identity }),
      };
    },
    bytes,
  };
}

/** Whether nothing follows. A connection that breaks when all has come does no harm. */
async function ends(body: AsyncIterator<Uint8Array>): Promise<boolean> {
  try {
    return (await body.next()).done === true;
  } catch {
    return true;
  }
}

function truncated(name: string, at: number, sizeBytes: number | undefined): ImportError {
  return new ImportError(
    "SOURCE_TRUNCATED",
    `Cannot read "${name}" from byte ${at} on as it has no such byte: stated are ${sizeBytes ?? "unknown"} bytes`,
    { remedy: "Upload the file again" },
  );
}

function ignoresRanges(name: string): ImportError {
  return new ImportError(
    "SOURCE_UNSUITABLE",
    `Cannot resume reading "${name}" as the server ignores ranges and does not prove that the file is the same`,
    { remedy: "Download the file by other means first, or use a server with Range requests" },
  );
}
