import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import test from "ava";
import { seededBytes } from "../../../fixtures/seeded.ts";
import type { ErrorCode } from "../../../pipeline/errors.ts";
import { type HttpSourceOptions, httpSource } from "../../../stages/sources/http.ts";
import { collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { httpServer, serve } from "../../support/http-server.ts";
import { IMPATIENT } from "../../support/s3-bucket.ts";
import { sourceContract } from "./contract.ts";

const CONTENT = seededBytes("http source", 3_000_000);
const ETAG = '"one"';
const OPTIONS: HttpSourceOptions = { retry: IMPATIENT };

for (const ranges of [true, false]) {
  sourceContract(`httpSource() of a server ${ranges ? "with" : "without"} ranges`, async () => {
    const server = await httpServer((request, response) => serve(CONTENT, request, response, { ranges }));
    const address = server.origin.replace("//", "//imaging:pass%20word@");
    return {
      source: httpSource(`${address}/disk.img?Signature=hidden`, OPTIONS),
      content: CONTENT,
      openCount: () => server.requests.length,
      secrets: ["hidden", "imaging", "pass", "?"],
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
}

/** Reads all from a server that answers the first look as a good one does, and each later request by `listener`. */
async function readFrom(listener: RequestListener, options = OPTIONS) {
  const server = await httpServer((request, response) => {
    if (server.requests.length === 1) serve(CONTENT, request, response, { etag: ETAG });
    else listener(request, response);
  });
  await using stopped = server;
  const bytes = await collect(httpSource(`${stopped.origin}/disk.img?secret`, options).bytes(testContext()));
  return { bytes, requests: server.requests };
}

/** Cuts the first `times` bodies after 100,000 bytes. */
function cutting(times: number, ranges = true): RequestListener {
  let count = 0;
  return (request, response) => {
    const cutAfter = count++ < times ? 1_000_000 : Infinity;
    serve(CONTENT, request, response, { etag: ETAG, ranges, cutAfter });
  };
}

test("httpSource() goes on at the byte where the connection broke", async (t) => {
  const { bytes, requests } = await readFrom(cutting(2));
  t.true(bytes.equals(CONTENT));
  const ranges = requests.map(({ headers }) => headers.range);
  t.deepEqual(ranges, ["bytes=0-0", undefined, "bytes=1000000-", "bytes=2000000-"]);
  t.is(requests[2]?.headers["if-match"], ETAG);
});

test("httpSource() reads again and skips where the server knows no ranges but proves that the file is the same", async (t) => {
  const { bytes } = await readFrom(cutting(2, false));
  t.true(bytes.equals(CONTENT));
});

test("httpSource() fails with SOURCE_UNSUITABLE to resume without ranges and without proof", async (t) => {
  let count = 0;
  await using server = await httpServer((request, response) =>
    serve(CONTENT, request, response, { ranges: false, ...(count++ === 1 ? { cutAfter: 1_000_000 } : {}) }),
  );
  const source = httpSource(server.origin, OPTIONS);
  t.is((await failure(() => collect(source.bytes(testContext())))).code, "SOURCE_UNSUITABLE");
});

test("httpSource() fails with SOURCE_UNAVAILABLE when no connection gets further", async (t) => {
  const error = await failure(() =>
    readFrom((request, response) => {
      serve(CONTENT, request, response, { etag: ETAG, cutAfter: request.headers.range ? 0 : 1_000_000 });
    }),
  );
  t.is(error.code, "SOURCE_UNAVAILABLE");
});

test("httpSource() fails with SOURCE_CHANGED when the ETag, date or size is another after a break", async (t) => {
  const others: readonly ((request: IncomingMessage, response: ServerResponse) => void)[] = [
    (request, response) => {
      delete request.headers["if-match"];
      serve(CONTENT, request, response, { etag: '"two"' });
    },
    (request, response) => serve(CONTENT, request, response, { etag: '"two"' }), // 412
    (request, response) => serve(CONTENT.subarray(1), request, response, { etag: ETAG }),
  ];
  for (const other of others) {
    let count = 0;
    const error = await failure(() =>
      readFrom((request, response) => {
        if (count++ === 0) serve(CONTENT, request, response, { etag: ETAG, cutAfter: 1_000_000 });
        else other(request, response);
      }),
    );
    t.is(error.code, "SOURCE_CHANGED");
  }
  let date = "Mon, 01 Jan 2024 00:00:00 GMT";
  await using server = await httpServer((request, response) => {
    response.setHeader("last-modified", date);
    serve(CONTENT, request, response);
  });
  const source = httpSource(server.origin, OPTIONS);
  await source.facts(testContext());
  date = "Mon, 01 Jan 2024 00:00:01 GMT";
  t.is((await failure(() => collect(source.bytes(testContext())))).code, "SOURCE_CHANGED");
});

test("httpSource() fails with SOURCE_TRUNCATED when the server has fewer bytes than it stated", async (t) => {
  let count = 0;
  const error = await failure(() =>
    readFrom((request, response) => {
      if (count++ === 0) serve(CONTENT, request, response, { etag: ETAG, cutAfter: 1_000_000 });
      else response.writeHead(416).end();
    }),
  );
  t.is(error.code, "SOURCE_TRUNCATED");
});

test("httpSource() fails with SOURCE_UNSUITABLE when a body is longer than stated", async (t) => {
  const error = await failure(() =>
    readFrom((_request, response) => {
      response.setHeader("etag", ETAG);
      response.write(CONTENT);
      response.end("more");
    }),
  );
  t.is(error.code, "SOURCE_UNSUITABLE");
});

test("httpSource() reads a body of unknown length, and an empty file", async (t) => {
  await using server = await httpServer((request, response) => {
    if (request.url === "/empty") return serve(Buffer.alloc(0), request, response);
    response.write(CONTENT.subarray(0, 10));
    response.end(CONTENT.subarray(10));
  });
  const unknown = httpSource(`${server.origin}/unknown`, OPTIONS);
  t.deepEqual(await unknown.facts(testContext()), { seekable: false });
  t.true((await collect(unknown.bytes(testContext()))).equals(CONTENT));
  const empty = httpSource(`${server.origin}/empty`, OPTIONS);
  t.like(await empty.facts(testContext()), { sizeBytes: 0 });
  t.is((await collect(empty.bytes(testContext()))).byteLength, 0);
});

test("httpSource() gives up a server that stays silent, before or in a body", async (t) => {
  for (const sentBytes of [-1, 1000]) {
    const error = await failure(() =>
      readFrom(
        (_request, response) => {
          if (sentBytes < 0) return;
          response.writeHead(200, { "content-length": CONTENT.byteLength, etag: ETAG });
          response.write(CONTENT.subarray(0, sentBytes));
        },
        { retry: { tryCount: 1 }, idleTimeoutMs: 100 },
      ),
    );
    t.is(error.code, "SOURCE_UNAVAILABLE");
    t.regex(error.message, /was silent for 0\.1 s/);
  }
});

test("httpSource() does not count the time of a slow consumer as silence", async (t) => {
  await using server = await httpServer((request, response) => serve(CONTENT, request, response));
  const source = httpSource(server.origin, { ...OPTIONS, idleTimeoutMs: 500 });
  let byteCount = 0;
  for await (const chunk of source.bytes(testContext())) {
    // Not a pause for something to happen: the consumer itself is what takes long, once.
    if (byteCount === 0) await new Promise((resolve) => setTimeout(resolve, 600));
    byteCount += chunk.byteLength;
  }
  t.is(byteCount, CONTENT.byteLength);
  t.is(server.requests.length, 2);
});

const STATUSES: Readonly<Record<number, ErrorCode>> = {
  401: "SOURCE_FORBIDDEN",
  403: "SOURCE_FORBIDDEN",
  404: "SOURCE_NOT_FOUND",
  410: "SOURCE_NOT_FOUND",
  418: "SOURCE_UNSUITABLE",
  429: "SOURCE_UNAVAILABLE",
  500: "SOURCE_UNAVAILABLE",
  503: "SOURCE_UNAVAILABLE",
};
for (const [status, code] of Object.entries(STATUSES)) {
  test(`httpSource() fails with ${code} at ${status}`, async (t) => {
    await using server = await httpServer(
      (_request, response) => void response.writeHead(Number(status)).end(),
    );
    const source = httpSource(`${server.origin}/disk.img?Signature=hidden`, OPTIONS);
    const error = await failure(() => source.facts(testContext()));
    t.is(error.code, code);
    t.truthy(error.remedy);
    t.true(error.message.includes(`"${server.origin}/disk.img"`));
    t.is(server.requests.length, code === "SOURCE_UNAVAILABLE" ? IMPATIENT.tryCount : 1);
  });
}

test("httpSource() waits as long as Retry-After says, and then reads", async (t) => {
  const pauses: number[] = [];
  let count = 0;
  await using server = await httpServer((request, response) => {
    if (count++ === 0) response.writeHead(503, { "retry-after": "7" }).end();
    else serve(CONTENT, request, response);
  });
  const pause = (ms: number) => Promise.resolve(void pauses.push(ms));
  await httpSource(server.origin, { retry: { firstPauseMs: 1, pause } }).facts(testContext());
  t.deepEqual(pauses, [7000]);
});

test("httpSource() sends user and password to the first origin only, and a user alone to none", async (t) => {
  await using other = await httpServer((request, response) => serve(CONTENT, request, response));
  await using server = await httpServer((_request, response) => {
    response.writeHead(302, { location: `${other.origin}/elsewhere` }).end();
  });
  const address = server.origin.replace("//", "//me:secret@");
  const options = { ...OPTIONS, headers: { cookie: "secret" } };
  t.true((await collect(httpSource(address, options).bytes(testContext()))).equals(CONTENT));
  t.is(server.requests[0]?.headers.authorization, `Basic ${btoa("me:secret")}`);
  t.is(server.requests[0]?.headers.cookie, "secret");
  for (const { headers } of other.requests) {
    t.is(headers.authorization, undefined);
    t.is(headers.cookie, undefined);
  }
  t.is(other.requests[0]?.headers.range, "bytes=0-0");
  await httpSource(server.origin.replace("//", "//imaging@")).facts(testContext());
  t.is(server.requests.at(-1)?.headers.authorization, undefined);
});
