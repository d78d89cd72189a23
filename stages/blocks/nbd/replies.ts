import type { Extent } from "../../../pipeline/contract.ts";
import { ImportError } from "../../../pipeline/errors.ts";
import { type Coverage, coverage } from "./coverage.ts";
import type { NbdExport } from "./handshake.ts";
import {
  ALLOCATION_FLAG_ZERO,
  ERRNO,
  MAX_STRING_BYTES,
  REPLY,
  REPLY_ERROR_BASE,
  REPLY_FLAG_DONE,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
} from "./protocol.ts";
import { type WireReader, protocolError, take } from "./wire.ts";

/** A request that waits for its reply. */
export interface Pending {
  readonly offset: number;
  readonly lengthBytes: number;
  /** Where a read goes; undefined for a block status. */
  readonly into?: Uint8Array;
  readonly covered: Coverage;
  /** Of a block status: the runs from `offset` on, as far as the server told. */
  readonly extents: Extent[];
  error?: ImportError;
  readonly settle: (error?: unknown) => void;
}

/** Extents in one block status reply: what fits 1 MiB, as qemu sends at most. */
const MAX_EXTENTS = 131_072;

/** Bookkeeping of one request. */
export function pending(
  request: { readonly offset: number; readonly lengthBytes: number; readonly into?: Uint8Array },
  settle: Pending["settle"],
): Pending {
  return { ...request, settle, covered: coverage(request.lengthBytes), extents: [] };
}

/**
 * Reads replies for ever, puts their payload where the requests want it and settles the requests. Replies may come in
 * any order and in any number of chunks. Throws PROGRAM_FAILED for what the protocol does not allow.
 */
export function* receive(name: string, facts: NbdExport, waiting: Map<bigint, Pending>): WireReader<never> {
  for (;;) {
    const magic = (yield* take(4)).readUInt32BE(0);
    if (magic === SIMPLE_REPLY_MAGIC) yield* simpleReply(name, facts, waiting);
    else if (magic === STRUCTURED_REPLY_MAGIC && facts.structuredReplies) yield* chunk(name, facts, waiting);
    else throw protocolError(name, `sends a reply with magic ${magic.toString(16)}`);
  }
}

function* simpleReply(name: string, facts: NbdExport, waiting: Map<bigint, Pending>): WireReader<void> {
  const head = yield* take(12);
  const request = find(name, waiting, head.readBigUInt64BE(4));
  const errno = head.readUInt32BE(0);
  if (errno !== 0) fail(name, request, errno, "");
  else if (request.into === undefined || facts.structuredReplies) {
    throw protocolError(name, "sends a simple reply where a structured one is due");
  } else {
    yield request.into;
    request.covered.add(0, request.lengthBytes);
  }
  finish(name, waiting, head.readBigUInt64BE(4), request);
}

function* chunk(name: string, facts: NbdExport, waiting: Map<bigint, Pending>): WireReader<void> {
  const head = yield* take(16);
  const [type, cookie, lengthBytes] = [head.readUInt16BE(2), head.readBigUInt64BE(4), head.readUInt32BE(12)];
  const request = find(name, waiting, cookie);
  if (type === REPLY.offsetData) yield* dataChunk(name, request, lengthBytes);
  else if (type === REPLY.offsetHole) yield* holeChunk(name, request, lengthBytes);
  else if (type === REPLY.blockStatus) yield* statusChunk(name, facts, request, lengthBytes);
  else if (type >= REPLY_ERROR_BASE) yield* errorChunk(name, request, lengthBytes);
  else if (type !== REPLY.none || lengthBytes !== 0)
    throw protocolError(name, `sends a chunk of type ${type}`);
  if ((head.readUInt16BE(0) & REPLY_FLAG_DONE) !== 0) finish(name, waiting, cookie, request);
}

function* dataChunk(name: string, request: Pending, lengthBytes: number): WireReader<void> {
  if (lengthBytes < 9) throw protocolError(name, "sends data without any bytes");
  const at = Number((yield* take(8)).readBigUInt64BE(0)) - request.offset;
  yield place(name, request, at, lengthBytes - 8);
}

function* holeChunk(name: string, request: Pending, lengthBytes: number): WireReader<void> {
  if (lengthBytes !== 12) throw protocolError(name, `sends a hole of ${lengthBytes} bytes`);
  const payload = yield* take(12);
  place(name, request, Number(payload.readBigUInt64BE(0)) - request.offset, payload.readUInt32BE(8)).fill(0);
}

/** The part of the request's memory that a chunk may fill: inside it, and not filled before. */
function place(name: string, request: Pending, at: number, lengthBytes: number): Uint8Array {
  if (request.into === undefined || !request.covered.add(at, at + lengthBytes)) {
    throw protocolError(name, `sends ${lengthBytes} bytes that were not asked for or come twice`);
  }
  return request.into.subarray(at, at + lengthBytes);
}

function* statusChunk(
  name: string,
  facts: NbdExport,
  request: Pending,
  lengthBytes: number,
): WireReader<void> {
  const count = (lengthBytes - 4) / 8;
  if (request.into !== undefined || !Number.isInteger(count) || count < 1 || count > MAX_EXTENTS) {
    throw protocolError(name, `sends a block status of ${lengthBytes} bytes`);
  }
  const payload = yield* take(lengthBytes);
  if (payload.readUInt32BE(0) !== facts.allocationId || request.extents.length > 0) {
    throw protocolError(name, "sends a block status that was not asked for");
  }
  let at = request.offset;
  for (let index = 0; index < count && at < request.offset + request.lengthBytes; index++) {
    const stated = payload.readUInt32BE(4 + 8 * index);
    if (stated === 0) throw protocolError(name, "sends an empty run in a block status");
    // The last run may go on past what was asked for.
    const length = Math.min(stated, request.offset + request.lengthBytes - at);
    const isZero = (payload.readUInt32BE(8 + 8 * index) & ALLOCATION_FLAG_ZERO) !== 0;
    request.extents.push({ offset: at, length, kind: isZero ? "zero" : "data" });
    at += length;
  }
}

function* errorChunk(name: string, request: Pending, lengthBytes: number): WireReader<void> {
  if (lengthBytes < 6 || lengthBytes > 16 + MAX_STRING_BYTES) {
    throw protocolError(name, `sends an error of ${lengthBytes} bytes`);
  }
  const payload = yield* take(lengthBytes);
  const text = payload.toString("utf8", 6, Math.min(6 + payload.readUInt16BE(4), lengthBytes));
  fail(name, request, payload.readUInt32BE(0), text.replaceAll(/\p{C}/gu, "?"));
}

function fail(name: string, request: Pending, errno: number, text: string): void {
  const said = text === "" ? "" : `: ${text}`;
  const what = `Cannot read "${name}" at byte ${request.offset} as its NBD server reports error ${errno}${said}`;
  request.error ??= new ImportError(errno === ERRNO.EIO ? "IMAGE_CORRUPT" : "PROGRAM_FAILED", what, {
    remedy: "Check the image with qemu-img check, and the disk it is on",
  });
}

function find(name: string, waiting: Map<bigint, Pending>, cookie: bigint): Pending {
  const request = waiting.get(cookie);
  if (request === undefined) throw protocolError(name, "answers a request that nobody made");
  return request;
}

function finish(name: string, waiting: Map<bigint, Pending>, cookie: bigint, request: Pending): void {
  const isAnswered = request.into === undefined ? request.extents.length > 0 : request.covered.isComplete;
  if (request.error === undefined && !isAnswered) {
    throw protocolError(name, `leaves out some of the ${request.lengthBytes} bytes asked for`);
  }
  waiting.delete(cookie);
  request.settle(request.error);
}
