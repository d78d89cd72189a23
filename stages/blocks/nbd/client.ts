import type { Blocks, Context, Extent } from "../../../pipeline/contract.ts";
import { ImportError } from "../../../pipeline/errors.ts";
import { type NbdConnection, connectNbd } from "./connection.ts";

/** What nbdcopy found best on desktops; a larger request is answered no sooner and holds up the others. */
const REQUEST_BYTES = 256 * 1024;

/** qemu-nbd works on 16 requests of a connection at once (nbd/server.c, MAX_NBD_REQUESTS). */
const REQUESTS_PER_CONNECTION = 16;

/** A second connection lets the server decode one request while it sends another; a third gained nothing. */
export const DEFAULT_CONNECTION_COUNT = 2;

/** Length of a block status request: it is 32 bits wide, and this keeps any alignment. */
const STATUS_BYTES = 2 ** 31;

export interface NbdBlocksOptions {
  readonly socketPath: string;
  readonly exportName: string;
  /** For people. Default: the export's name. */
  readonly name?: string;
  /** Used only where the server allows several. Default {@link DEFAULT_CONNECTION_COUNT}. */
  readonly connectionCount?: number;
}

/**
 * A disk served over NBD on a unix socket. Reads are cut into requests that run at the same time; `extents` asks for the
 * allocation map, and is one run of data where the server has none. An abort, also of a single read, closes the
 * connections, and later calls fail. Throws PROGRAM_FAILED, IMAGE_CORRUPT, SOURCE_TRUNCATED; see {@link connectNbd}.
 */
export async function nbdBlocks(options: NbdBlocksOptions, context: Context): Promise<Blocks> {
  const { socketPath, exportName, name = exportName, connectionCount = DEFAULT_CONNECTION_COUNT } = options;
  if (!Number.isInteger(connectionCount) || connectionCount < 1) {
    throw new RangeError(`Expected at least one connection: current count is ${connectionCount}`);
  }
  await using opening = new AsyncDisposableStack();
  const open = async () => opening.use(await connectNbd({ name, socketPath, exportName }, context.signal));
  const first = await open();
  const others = first.facts.canMultiConn ? connectionCount - 1 : 0;
  const connections = [first, ...(await Promise.all(Array.from({ length: others }, open)))];
  const { sizeBytes, minBlockBytes, maxBlockBytes, allocationId } = first.facts;
  const opened = opening.move();

  /** Runs `work`; an abort meanwhile closes the connections, which makes it fail with the reason. */
  async function abortable<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const onAbort = (): void => connections.forEach((connection) => connection.close(signal.reason));
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await work();
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  const blocks: Blocks = {
    name,
    sizeBytes,
    locator: { kind: "nbd", socketPath, exportName },
    async read(offset, into, { signal }) {
      checkInside(name, sizeBytes, offset, into.byteLength);
      const start = floorTo(offset, minBlockBytes);
      const end = Math.min(sizeBytes, ceilTo(offset + into.byteLength, minBlockBytes));
      if (start === offset && end === offset + into.byteLength) {
        await abortable(signal, () => readPieces(connections, offset, into, maxBlockBytes));
        return;
      }
      const aligned = new Uint8Array(end - start);
      await abortable(signal, () => readPieces(connections, start, aligned, maxBlockBytes));
      into.set(aligned.subarray(offset - start, offset - start + into.byteLength));
    },
    async *extents(offset, length, { signal }) {
      checkInside(name, sizeBytes, offset, length);
      if (allocationId === undefined) {
        if (length > 0) yield { offset, length, kind: "data" };
        return;
      }
      let run: Extent | undefined;
      const end = offset + length;
      for (let at = floorTo(offset, minBlockBytes); at < end;) {
        const wanted = Math.min(STATUS_BYTES, ceilTo(end, minBlockBytes) - at, sizeBytes - at);
        const told = await abortable(signal, () => first.blockStatus(at, wanted));
        for (const piece of told) {
          const from = Math.max(piece.offset, offset);
          const to = Math.min(piece.offset + piece.length, end);
          at = piece.offset + piece.length;
          if (from >= to) continue;
          if (run?.kind === piece.kind) run = { ...run, length: to - run.offset };
          else {
            if (run !== undefined) yield run;
            run = { offset: from, length: to - from, kind: piece.kind };
          }
        }
      }
      if (run !== undefined) yield run;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
  return blocks;
}

/** Fills `into` by requests spread over the connections; when one fails, waits for the others before it throws. */
async function readPieces(
  connections: readonly NbdConnection[],
  offset: number,
  into: Uint8Array,
  maxBlockBytes: number,
): Promise<void> {
  const pieceBytes = Math.min(REQUEST_BYTES, maxBlockBytes);
  const windowBytes = pieceBytes * REQUESTS_PER_CONNECTION * connections.length;
  for (let start = 0; start < into.byteLength; start += windowBytes) {
    const requests: Promise<void>[] = [];
    const end = Math.min(start + windowBytes, into.byteLength);
    for (let at = start; at < end; at += pieceBytes) {
      const connection = connections[requests.length % connections.length];
      if (connection === undefined) throw new RangeError("Expected a connection");
      requests.push(connection.read(offset + at, into.subarray(at, Math.min(at + pieceBytes, end))));
    }
    const failed = (await Promise.allSettled(requests)).find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}

function checkInside(name: string, sizeBytes: number, offset: number, length: number): void {
  if (offset >= 0 && length >= 0 && offset + length <= sizeBytes) return;
  throw new ImportError(
    "SOURCE_TRUNCATED",
    `Cannot read ${length} bytes at byte ${offset} of "${name}" as it has ${sizeBytes} bytes`,
    { remedy: "Look whether the image was copied completely" },
  );
}

function floorTo(value: number, unit: number): number {
  return value - (value % unit);
}

function ceilTo(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
