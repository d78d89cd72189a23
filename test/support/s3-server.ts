import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A real S3 server (Ceph RGW on memstore) on loopback. Keep objects small: they live in memory. */
export interface TestS3 extends AsyncDisposable {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What {@link startS3} needs: tests say `requires(...S3_PROGRAMS)`. */
export const S3_PROGRAMS = ["radosgw", "ceph-mon", "ceph-osd"] as const;

/** Set by the runner of a whole suite to `endpoint,access key,secret key`, so that its test files share one server. */
export const S3_VARIABLE = "DISKFERRY_TEST_S3";

const STARTER = join(import.meta.dirname, "..", "..", "fixtures", "servers", "ceph.sh");
/** A port may be taken between looking and using it. */
const START_TRIES = 3;

/**
 * The server of this run, or one of this process where the run has none. The process's own server ends with it, in
 * whatever way: the starter stops when its standard input closes. It keeps no process alive.
 */
export function s3Server(): Promise<TestS3> {
  return (ownServer ??= givenServer() ?? startS3());
}

// Private cache: a second server for the same process would cost a second and 130 MB.
let ownServer: Promise<TestS3> | undefined;

function givenServer(): Promise<TestS3> | undefined {
  const [endpoint, accessKeyId, secretAccessKey] = process.env[S3_VARIABLE]?.split(",") ?? [];
  if (endpoint === undefined || accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return Promise.resolve({ endpoint, accessKeyId, secretAccessKey, async [Symbol.asyncDispose]() {} });
}

/** Starts a server of one's own; disposing kills it and removes what it wrote. */
export async function startS3(): Promise<TestS3> {
  for (let tryCount = 1; ; tryCount++) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (tryCount >= START_TRIES) throw error;
    }
  }
}

async function start(port: number): Promise<TestS3> {
  // Short, since unix sockets inside it have a path limit of 107 characters.
  const folder = await mkdtemp(join(tmpdir(), "dfs3-"));
  const accessKeyId = "testtester";
  const secretAccessKey = "testing";
  const child = spawn(STARTER, [folder, String(port), accessKeyId, secretAccessKey], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text)); // bounded: the starter says little
  const lines = createInterface({ input: child.stdout });
  const [first] = (await Promise.race([once(lines, "line"), exited])) as unknown[];
  if (first !== "ready") {
    await rm(folder, { recursive: true, force: true });
    throw new Error(`Cannot start an S3 server on port ${port}: ${complaint.trim()}`);
  }
  lines.close();
  child.unref();
  for (const pipe of [child.stdin, child.stdout, child.stderr]) if ("unref" in pipe) Object(pipe).unref();
  return {
    endpoint: `http://127.0.0.1:${port}`,
    accessKeyId,
    secretAccessKey,
    async [Symbol.asyncDispose]() {
      child.ref();
      child.stdin.end();
      await exited;
    },
  };
}

/** The server takes two fixed ports after this one, and some of the next forty. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + 50 * Math.floor(Math.random() * 240); // below the range that the kernel gives out
    const free = await Promise.all([port, port + 1, port + 2].map(isFree));
    if (free.every(Boolean)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return true;
  } catch {
    return false; // taken
  } finally {
    server.close();
  }
}
