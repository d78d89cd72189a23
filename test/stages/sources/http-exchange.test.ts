import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { httpGet } from "../../../stages/sources/http-exchange.ts";
import { failure } from "../../support/errors.ts";
import { httpServer } from "../../support/http-server.ts";
import { requires } from "../../support/requires.ts";

const get = (url: string, more: { readonly ca?: string; readonly signal?: AbortSignal } = {}) =>
  httpGet(new URL(url), {
    name: "the file",
    headers: {},
    signal: new AbortController().signal,
    idleTimeoutMs: 10_000,
    ...more,
  });

/** Redirects `/n` to `/n-1`, down to `/0`. */
const countdown = () =>
  httpServer((request, response) => {
    const left = Number(request.url?.slice(1));
    if (left === 0) response.end("there");
    else response.writeHead([301, 302, 303, 307, 308][left % 5] ?? 301, { location: `/${left - 1}` }).end();
  });

test("httpGet() follows five redirects and not six", async (t) => {
  await using server = await countdown();
  const answer = await get(`${server.origin}/5`);
  t.is(answer.status, 200);
  answer.body.destroy();
  t.is((await failure(() => get(`${server.origin}/6`))).code, "SOURCE_UNSUITABLE");
});

test("httpGet() follows no redirect to another kind of address", async (t) => {
  for (const location of ["file:///etc/passwd", "ftp://example.com/", "http://[", "javascript:1"]) {
    await using server = await httpServer(
      (_request, response) => void response.writeHead(302, { location }).end(),
    );
    t.is((await failure(() => get(server.origin))).code, "SOURCE_UNSUITABLE");
  }
});

test("httpGet() takes a redirect without a place for what it is", async (t) => {
  await using server = await httpServer((_request, response) => void response.writeHead(302).end());
  t.is((await failure(() => get(server.origin))).code, "SOURCE_UNSUITABLE");
});

test("httpGet() fails with SOURCE_UNAVAILABLE where nothing listens", async (t) => {
  const server = await httpServer(() => {});
  await server[Symbol.asyncDispose]();
  const error = await failure(() => get(server.origin));
  t.is(error.code, "SOURCE_UNAVAILABLE");
  t.regex(error.message, /nothing listens there/);
});

test("httpGet() fails with SOURCE_UNAVAILABLE at an answer that is not HTTP", async (t) => {
  await using server = await httpServer((request) => void request.socket.end("SSH-2.0-x\r\n\r\n"));
  t.is((await failure(() => get(server.origin))).code, "SOURCE_UNAVAILABLE");
});

test("httpGet() fails with SOURCE_NOT_FOUND for a host that does not exist", async (t) => {
  // RFC 6761: names under .invalid never exist. A machine without any name server says EAI_AGAIN.
  const error = await failure(() => get("http://images.invalid/"));
  t.true(["SOURCE_NOT_FOUND", "SOURCE_UNAVAILABLE"].includes(error.code));
});

test("httpGet() ends with the reason of an abort", async (t) => {
  const controller = new AbortController();
  const reason = new Error("enough");
  await using server = await httpServer(() => controller.abort(reason));
  t.is(await t.throwsAsync(get(server.origin, { signal: controller.signal })), reason);
});

requires("openssl")(
  "httpGet() refuses a certificate that nobody vouches for, and takes it with its authority",
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "diskferry-test-"));
    t.teardown(() => rm(folder, { recursive: true }));
    const [keyPath, certPath] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost";
    const more = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", keyPath, "-out", certPath];
    await promisify(execFile)("openssl", [...words.split(" "), ...more]);
    const ca = await readFile(certPath, "utf8");
    const server = createServer({ key: await readFile(keyPath), cert: ca }, (request, response) => {
      if (request.url === "/down") response.writeHead(302, { location: "http://127.0.0.1/" });
      response.end("x");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.teardown(() => server.close().closeAllConnections());
    const address = server.address();
    const origin = `https://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
    const untrusted = await failure(() => get(origin));
    t.is(untrusted.code, "SOURCE_UNSUITABLE");
    t.regex(untrusted.remedy ?? "", /NODE_EXTRA_CA_CERTS/);
    const answer = await get(origin, { ca });
    t.is(answer.status, 200);
    answer.body.destroy();
    const downgraded = await failure(() => get(`${origin}/down`, { ca }));
    t.is(downgraded.code, "SOURCE_UNSUITABLE");
    t.regex(downgraded.message, /redirect/);
  },
);
