import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** What goes wrong with the bytes of one direction, counted on each connection from where the fault strikes. */
export interface DirectionFault {
  /** A TCP reset once so many bytes passed. */
  readonly resetAfter?: number;
  /** An orderly end once so many bytes passed: a cut body. */
  readonly closeAfter?: number;
  /** Nothing more once so many bytes passed, with the connection left open. */
  readonly stallAfter?: number;
  /** One bit of this byte is turned over. */
  readonly flipAt?: number;
}

export interface Fault {
  /** Client to server. */
  readonly up?: DirectionFault;
  /** Server to client. */
  readonly down?: DirectionFault;
  /** A reset as soon as something is sent. */
  readonly refuse?: boolean;
  /** Answered without asking the server. */
  readonly answer?: {
    readonly status: number;
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  /** Strikes only so many connections, counted from when the fault was set. Default: all. */
  readonly times?: number;
  /** Strikes when the client sends this in one piece, such as a request's first line. Default: anything. */
  readonly match?: string;
}

export interface FaultProxy extends AsyncDisposable {
  /** As the server's, with the proxy's port. */
  readonly endpoint: string;
  /** How many connections were made. */
  readonly connectionCount: number;
  /** How many of them were spoilt. */
  readonly faultCount: number;
  /** Replaces the fault for connections made from now on; those that are open and idle are closed. */
  set(fault: Fault): void;
}

/** A TCP proxy before `target` (an http address) that spoils connections on demand. */
export async function faultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  let fault: Fault = {};
  let connectionCount = 0;
  let faultCount = 0;
  let hitCount = 0;

  const keep = (socket: Socket): Socket => {
    open.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy()); // resets are what this is for
    socket.on("close", () => open.delete(socket));
    return socket;
  };

  /** The fault that `piece`, sent by a client, calls down on its connection. */
  function struckBy(piece: Buffer): Fault | undefined {
    const { times = Infinity, match = "" } = fault;
    if (Object.keys(fault).length === 0 || hitCount >= times) return undefined;
    if (!piece.toString("latin1").includes(match)) return undefined;
    hitCount++;
    faultCount++;
    return fault;
  }

  function serve(client: Socket): void {
    const server = keep(connect(Number(port), hostname));
    client.on("close", () => server.destroy());
    server.on("close", () => client.destroySoon());
    let struck: Fault | undefined;
    const down = spoiler(() => struck?.down);
    const up = spoiler(() => struck?.up);
    async function* asked(): AsyncGenerator<Buffer> {
      for await (const piece of pieces(client)) {
        const before = struck;
        struck ??= struckBy(piece);
        if (struck?.refuse === true) {
          client.resetAndDestroy();
          return;
        }
        if (struck?.answer !== undefined) {
          answer(client, struck.answer);
          return;
        }
        if (before === undefined && struck !== undefined) {
          down.restart();
          up.restart();
        }
        yield piece;
      }
    }
    for (const passing of [up.pass(asked(), client, server), down.pass(pieces(server), server, client)]) {
      passing.catch(() => client.destroy()); // a side that went away ends the other
    }
  }

  const listener = createServer((client) => {
    connectionCount++;
    serve(keep(client));
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  const ownPort = typeof address === "object" ? address?.port : undefined;
  return {
    endpoint: `http://127.0.0.1:${ownPort}`,
    get connectionCount() {
      return connectionCount;
    },
    get faultCount() {
      return faultCount;
    },
    set(next) {
      fault = next;
      hitCount = 0;
      for (const socket of open) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      listener.close();
      await once(listener, "close");
    },
  };
}

function answer(client: Socket, { status, body = "", headers = {} }: NonNullable<Fault["answer"]>): void {
  const all = {
    "content-length": Buffer.byteLength(body),
    connection: "close",
    "content-type": "application/xml",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  client.end(`HTTP/1.1 ${status} Told\r\n${lines.join("")}\r\n${body}`);
  client.resume(); // what is still being sent must not become a reset that overtakes the answer
}

async function* pieces(from: Socket): AsyncGenerator<Buffer> {
  for await (const piece of from) if (Buffer.isBuffer(piece)) yield piece;
}

/** Copies one direction with the fault of now, whose bytes are counted from `restart` on. */
function spoiler(faultNow: () => DirectionFault | undefined) {
  let seen = 0;
  return {
    restart() {
      seen = 0;
    },
    async pass(input: AsyncIterable<Buffer>, from: Socket, to: Socket): Promise<void> {
      for await (const piece of input) {
        const {
          resetAfter = Infinity,
          closeAfter = Infinity,
          stallAfter = Infinity,
          flipAt = -1,
        } = faultNow() ?? {};
        const endAt = Math.min(resetAfter, closeAfter, stallAfter);
        const start = seen;
        seen += piece.byteLength;
        if (flipAt >= start && flipAt < seen) piece[flipAt - start]! ^= 1;
        if (seen < endAt) {
          if (!to.write(piece)) await once(to, "drain");
          continue;
        }
        await new Promise((written) => to.write(piece.subarray(0, Math.max(0, endAt - start)), written));
        if (endAt === stallAfter) await once(to, "close");
        else if (endAt === resetAfter) to.resetAndDestroy();
        else to.end();
        from.destroy();
        return;
      }
      to.end();
    },
  };
}
