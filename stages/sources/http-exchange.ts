import { type IncomingHttpHeaders, type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { ImportError } from "../../pipeline/errors.ts";
import { connectionFault } from "../connection-errors.ts";
import { httpStatusError } from "./http-errors.ts";
import { stalled } from "./response-body.ts";

export interface ExchangeOptions {
  /** For messages: without query, as that may hold a signature. */
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** How long the server may take to begin its answer. */
  readonly idleTimeoutMs: number;
  /** Certificate authorities to trust instead of the system's, as PEM. */
  readonly ca?: string | undefined;
}

/** An answer with status 200, 206 or 416, whose body the caller reads or closes. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: IncomingMessage;
}

/** As curl's user would set it: enough for a mirror behind a load balancer, few enough to end a loop soon. */
const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * One GET, with redirects followed. Headers given by the caller that may hold a secret go to the first origin only, and
 * https never leads to http. Throws SOURCE_NOT_FOUND, SOURCE_FORBIDDEN, SOURCE_UNAVAILABLE, SOURCE_CHANGED (412),
 * SOURCE_UNSUITABLE, CLOCK_SKEW, and the signal's reason.
 */
export async function httpGet(url: URL, options: ExchangeOptions): Promise<HttpAnswer> {
  const { name, signal } = options;
  let at = url;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const headers = at.origin === url.origin ? options.headers : publicHeaders(options.headers);
    const body = await send(at, { ...options, headers });
    const status = body.statusCode ?? 0;
    if (status === 200 || status === 206 || status === 416) return { status, headers: body.headers, body };
    body.destroy();
    signal.throwIfAborted();
    const { location } = body.headers;
    if (!REDIRECTS.has(status) || location === undefined) {
      throw httpStatusError(status, body.headers, at, name);
    }
    at = redirected(at, location, name);
  }
  throw new ImportError("SOURCE_UNSUITABLE", `Cannot read "${name}" after ${MAX_REDIRECTS} redirects`, {
    remedy: "Give the address of the file itself",
  });
}

function redirected(from: URL, location: string, name: string): URL {
  const to = URL.parse(location, from.href);
  const allowed = from.protocol === "https:" ? ["https:"] : ["http:", "https:"];
  if (to === null || !allowed.includes(to.protocol)) {
    const scheme = to?.protocol ?? "an invalid address";
    throw new ImportError("SOURCE_UNSUITABLE", `Cannot follow the redirect of "${name}" to ${scheme}`, {
      remedy: "Give the address of the file itself",
    });
  }
  to.username = to.password = "";
  return to;
}

/** What any server may see. */
function publicHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const open = ["range", "if-match", "accept-encoding"];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => open.includes(name.toLowerCase())));
}

function send(url: URL, options: ExchangeOptions): Promise<IncomingMessage> {
  const { name, headers, signal, idleTimeoutMs, ca } = options;
  const request = url.protocol === "https:" ? tlsRequest : plainRequest;
  return new Promise((resolve, reject) => {
    // The default agent keeps connections alive and knows the proxy variables where Node was told to use them.
    const outgoing = request(url, { headers, signal, ...(ca === undefined ? {} : { ca }) });
    const timer = setTimeout(() => outgoing.destroy(stalled(name, idleTimeoutMs)), idleTimeoutMs);
    outgoing.on("response", (incoming) => {
      clearTimeout(timer);
      resolve(incoming);
    });
    outgoing.on("error", (error) => {
      clearTimeout(timer);
      reject(signal.aborted ? signal.reason : exchangeError(error, name));
    });
    outgoing.end();
  });
}

function exchangeError(error: Error, name: string): ImportError {
  if (error instanceof ImportError) return error;
  const fault = connectionFault(error);
  const code = {
    lost: "SOURCE_UNAVAILABLE",
    "unknown host": "SOURCE_NOT_FOUND",
    untrusted: "SOURCE_UNSUITABLE",
  } as const;
  return new ImportError(
    code[fault?.kind ?? "lost"],
    `Cannot read "${name}" as ${fault?.reason ?? "the connection failed"}`,
    { cause: error, remedy: fault?.remedy ?? "Check the network and the server, then try again" },
  );
}
