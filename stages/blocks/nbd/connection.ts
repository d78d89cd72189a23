import { once } from "node:events";
import { connect } from "node:net";
import type { Extent } from "../../../pipeline/contract.ts";
import { type NbdExport, handshake } from "./handshake.ts";
import { COMMAND, encodeRequest } from "./protocol.ts";
import { type Pending, pending, receive } from "./replies.ts";
import { type WireReader, feeder, protocolError } from "./wire.ts";

/** What one read from the socket can take: more than a unix socket holds (212,992 bytes by default on Linux). */
const READ_BUFFER_BYTES = 256 * 1024;

export interface NbdAddress {
  /** For people. */
  readonly name: string;
  readonly socketPath: string;
  readonly exportName: string;
}

/** One connection; requests are answered in any order, so several may be made at once. */
export interface NbdConnection extends AsyncDisposable {
  readonly facts: NbdExport;
  /** Reads at most `facts.maxBlockBytes`, aligned to `facts.minBlockBytes`. */
  read(offset: number, into: Uint8Array): Promise<void>;
  /** The runs from `offset` on, as far as the server tells in one reply: at least one. */
  blockStatus(offset: number, lengthBytes: number): Promise<readonly Extent[]>;
  /** Ends the connection at once; every request that waits, and every later one, fails with `reason`. */
  close(reason: unknown): void;
}

/**
 * Connects and agrees with the server. An abort of `signal` closes the connection. Throws PROGRAM_FAILED for a server
 * that cannot be reached, goes away or does not keep to the protocol; IMAGE_CORRUPT when it reports an I/O error.
 */
export async function connectNbd(address: NbdAddress, signal: AbortSignal): Promise<NbdConnection> {
  signal.throwIfAborted();
  const { name, socketPath, exportName } = address;
  const waiting = new Map<bigint, Pending>();
  const agreed = Promise.withResolvers<NbdExport>();
  agreed.promise.catch(() => undefined); // awaited below
  let lastCookie = 0;
  let ending: { readonly reason: unknown } | undefined;

  function close(reason: unknown): void {
    if (ending !== undefined) return;
    ending = { reason };
    signal.removeEventListener("abort", onAbort);
    socket.destroy();
    agreed.reject(reason);
    for (const request of waiting.values()) request.settle(reason);
    waiting.clear();
  }

  function* session(): WireReader<never> {
    const facts = yield* handshake(name, exportName, (bytes) => void socket.write(bytes));
    agreed.resolve(facts);
    return yield* receive(name, facts, waiting);
  }

  const wire = feeder(session());
  const socket = connect({
    path: socketPath,
    onread: {
      buffer: Buffer.allocUnsafe(READ_BUFFER_BYTES),
      callback(lengthBytes, buffer) {
        try {
          if (ending === undefined) wire.feed(buffer.subarray(0, lengthBytes));
        } catch (error) {
          close(error);
        }
        return true;
      },
    },
  });
  const closed = once(socket, "close").catch(() => undefined); // an "error" before it is told by close() below
  const onAbort = (): void => close(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  socket.once("error", (cause) => close(protocolError(name, "broke the connection", cause)));
  socket.once("end", () => close(protocolError(name, "ended the connection")));
  socket.once("close", () => close(protocolError(name, "ended the connection")));

  function request(
    command: number,
    offset: number,
    lengthBytes: number,
    into?: Uint8Array,
  ): Promise<Pending> {
    return new Promise((resolve, reject) => {
      if (ending !== undefined) {
        reject(ending.reason);
        return;
      }
      const cookie = ++lastCookie;
      const entry = pending({ offset, lengthBytes, ...(into === undefined ? {} : { into }) }, (error) => {
        if (error === undefined) resolve(entry);
        else reject(error);
      });
      waiting.set(BigInt(cookie), entry);
      socket.write(encodeRequest({ command, cookie, offset, lengthBytes }));
    });
  }

  const facts = await agreed.promise;
  return {
    facts,
    async read(offset, into) {
      await request(COMMAND.read, offset, into.byteLength, into);
    },
    async blockStatus(offset, lengthBytes) {
      return (await request(COMMAND.blockStatus, offset, lengthBytes)).extents;
    },
    close,
    async [Symbol.asyncDispose]() {
      if (ending === undefined) {
        const cookie = ++lastCookie;
        const goodbye = encodeRequest({ command: COMMAND.disconnect, cookie, offset: 0, lengthBytes: 0 });
        socket.write(goodbye, () => close(protocolError(name, "was left")));
      }
      await closed;
    },
  };
}
