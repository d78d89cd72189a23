import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";

export interface TestHttp extends AsyncDisposable {
  /** `http://127.0.0.1:port`. */
  readonly origin: string;
  /** Requests so far, in order. */
  readonly requests: readonly IncomingMessage[];
}

/** An HTTP server on loopback for one test, with what it was asked. */
export async function httpServer(listener: RequestListener): Promise<TestHttp> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    listener(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("Expected a port");
  return {
    origin: `http://127.0.0.1:${address.port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export interface ServedContent {
  readonly etag?: string;
  /** Whether Range is obeyed. Default true. */
  readonly ranges?: boolean;
  /** The connection is cut after so many bytes of this body. */
  readonly cutAfter?: number;
}

/** Answers a GET as a plain file server does: 200, 206 or 416, ETag, If-Match. */
export function serve(
  content: Uint8Array,
  request: IncomingMessage,
  response: ServerResponse,
  options: ServedContent = {},
): void {
  const { etag, ranges = true, cutAfter } = options;
  if (etag !== undefined) response.setHeader("etag", etag);
  const wanted = request.headers["if-match"];
  if (etag !== undefined && wanted !== undefined && wanted !== etag)
    return void response.writeHead(412).end();
  const range = ranges ? /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") : null;
  let body = content;
  if (range !== null) {
    const first = Number(range[1]);
    const end = Math.min(content.byteLength, range[2] === "" ? content.byteLength : Number(range[2]) + 1);
    if (first >= content.byteLength) {
      return void response.writeHead(416, { "content-range": `bytes */${content.byteLength}` }).end();
    }
    body = content.subarray(first, end);
    response.statusCode = 206;
    response.setHeader("content-range", `bytes ${first}-${end - 1}/${content.byteLength}`);
  }
  response.setHeader("content-length", body.byteLength);
  if (cutAfter === undefined || cutAfter >= body.byteLength) return void response.end(body);
  response.write(body.subarray(0, cutAfter), () => response.destroy());
}
