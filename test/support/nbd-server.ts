import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type Socket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  HANDSHAKE_FLAG,
  INFO,
  INIT_MAGIC,
  OPTION,
  OPTION_MAGIC,
  OPTION_REPLY,
  OPTION_REPLY_MAGIC,
  REPLY,
  REPLY_FLAG_DONE,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
} from "../../stages/blocks/nbd/protocol.ts";

/** A request as a test's server sees it. */
export interface SeenRequest {
  readonly command: number;
  readonly cookie: bigint;
  readonly offset: number;
  readonly lengthBytes: number;
}

export interface ScriptedServer extends AsyncDisposable {
  readonly socketPath: string;
  readonly sockets: Set<Socket>;
  /** Resolves once somebody has connected. */
  readonly connected: Promise<void>;
}

export interface ServerOptions {
  readonly sizeBytes?: number;
  readonly structured?: boolean;
  readonly blockSizes?: readonly [min: number, max: number];
  readonly transmissionFlags?: number;
  /** What the server sends for a request; nothing for none. */
  readonly answer?: (request: SeenRequest, socket: Socket) => void;
  /** Replaces the greeting and the handshake: what is sent at once to whoever connects. */
  readonly greeting?: Uint8Array;
  /** Accepts connections and says nothing. */
  readonly isSilent?: boolean;
}

/** A server that agrees as it is told to and then answers as the test wants, also against the protocol. */
export async function scriptedServer(options: ServerOptions): Promise<ScriptedServer> {
  const folder = await mkdtemp(join(tmpdir(), "diskferry-test-"));
  const socketPath = join(folder, "socket");
  const sockets = new Set<Socket>();
  const connected = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    connected.resolve();
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
    void serve(socket, options).catch(() => socket.destroy());
  });
  server.listen(socketPath);
  await once(server, "listening");
  return {
    socketPath,
    sockets,
    connected: connected.promise,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
      await rm(folder, { recursive: true });
    },
  };
}

async function serve(socket: Socket, options: ServerOptions): Promise<void> {
  const reader = readerOf(socket);
  if (options.isSilent === true) await reader(1);
  if (options.greeting !== undefined) {
    socket.end(options.greeting);
    return;
  }
  socket.write(
    Buffer.concat([
      u64(INIT_MAGIC),
      u64(OPTION_MAGIC),
      u16(HANDSHAKE_FLAG.fixedNewstyle | HANDSHAKE_FLAG.noZeroes),
    ]),
  );
  await reader(4);
  while (await option(socket, reader, options));
  for (;;) {
    const head = await reader(28);
    options.answer?.(
      {
        command: head.readUInt16BE(6),
        cookie: head.readBigUInt64BE(8),
        offset: Number(head.readBigUInt64BE(16)),
        lengthBytes: head.readUInt32BE(24),
      },
      socket,
    );
  }
}

/** Answers one option of the client; false once the handshake is over. */
async function option(
  socket: Socket,
  reader: (lengthBytes: number) => Promise<Buffer>,
  { sizeBytes = 1024 ** 2, structured = true, blockSizes, transmissionFlags = 1 }: ServerOptions,
): Promise<boolean> {
  const head = await reader(16);
  const number = head.readUInt32BE(8);
  await reader(head.readUInt32BE(12));
  const reply = (type: number, payload: Buffer = Buffer.alloc(0)): void => {
    socket.write(
      Buffer.concat([u64(OPTION_REPLY_MAGIC), u32(number), u32(type), u32(payload.byteLength), payload]),
    );
  };
  if (number === OPTION.structuredReply) reply(structured ? OPTION_REPLY.ack : 2 ** 31 + 1);
  if (number === OPTION.setMetaContext) {
    reply(OPTION_REPLY.metaContext, Buffer.concat([u32(7), Buffer.from("base:allocation")]));
    reply(OPTION_REPLY.ack);
  }
  if (number !== OPTION.go) return true;
  reply(OPTION_REPLY.info, Buffer.concat([u16(INFO.export), u64(BigInt(sizeBytes)), u16(transmissionFlags)]));
  if (blockSizes !== undefined) {
    const [min, max] = blockSizes;
    reply(OPTION_REPLY.info, Buffer.concat([u16(INFO.blockSize), u32(min), u32(min), u32(max)]));
  }
  reply(OPTION_REPLY.ack);
  return false;
}

/** Reads exactly so many bytes; rejects when the client has gone. */
function readerOf(socket: Socket): (lengthBytes: number) => Promise<Buffer> {
  const chunks = socket[Symbol.asyncIterator]();
  let rest = Buffer.alloc(0);
  return async (lengthBytes) => {
    while (rest.byteLength < lengthBytes) {
      const { value, done } = await chunks.next();
      if (done === true) throw new Error("the client has gone");
      rest = Buffer.concat([rest, value]);
    }
    const taken = rest.subarray(0, lengthBytes);
    rest = rest.subarray(lengthBytes);
    return taken;
  };
}

export function simpleReply(cookie: bigint, errno: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  return Buffer.concat([u32(SIMPLE_REPLY_MAGIC), u32(errno), u64(cookie), payload]);
}

export function chunkReply(
  cookie: bigint,
  type: number,
  payload: Uint8Array,
  flags: number = REPLY_FLAG_DONE,
): Buffer {
  return Buffer.concat([
    u32(STRUCTURED_REPLY_MAGIC),
    u16(flags),
    u16(type),
    u64(cookie),
    u32(payload.byteLength),
    payload,
  ]);
}

export function dataReply(cookie: bigint, offset: number, payload: Uint8Array, flags?: number): Buffer {
  return chunkReply(cookie, REPLY.offsetData, Buffer.concat([u64(BigInt(offset)), payload]), flags);
}

export function holeReply(cookie: bigint, offset: number, lengthBytes: number, flags?: number): Buffer {
  return chunkReply(cookie, REPLY.offsetHole, Buffer.concat([u64(BigInt(offset)), u32(lengthBytes)]), flags);
}

/** `runs` as length and flags. */
export function statusReply(
  cookie: bigint,
  runs: readonly (readonly [number, number])[],
  contextId = 7,
): Buffer {
  const payload = Buffer.concat([
    u32(contextId),
    ...runs.flatMap(([length, flags]) => [u32(length), u32(flags)]),
  ]);
  return chunkReply(cookie, REPLY.blockStatus, payload);
}

export function u16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16BE(value);
  return buffer;
}

export function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value >>> 0);
  return buffer;
}

export function u64(value: bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(value);
  return buffer;
}
