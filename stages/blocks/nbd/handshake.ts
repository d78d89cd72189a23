import {
  BASE_ALLOCATION,
  DEFAULT_BLOCK_SIZES,
  HANDSHAKE_FLAG,
  INFO,
  INIT_MAGIC,
  MAX_STRING_BYTES,
  OPTION,
  OPTION_ERROR_BASE,
  OPTION_MAGIC,
  OPTION_REPLY,
  OPTION_REPLY_MAGIC,
  TRANSMISSION_FLAG,
  encodeGo,
  encodeMetaContext,
  encodeOption,
} from "./protocol.ts";
import { type WireReader, protocolError, take } from "./wire.ts";

/** What the two ends agreed on. */
export interface NbdExport {
  readonly sizeBytes: number;
  /** Offsets and lengths of requests must be multiples of this. */
  readonly minBlockBytes: number;
  /** Longest payload of one request. */
  readonly maxBlockBytes: number;
  readonly canMultiConn: boolean;
  readonly structuredReplies: boolean;
  /** The id under which the allocation map comes, where the server has one. */
  readonly allocationId?: number;
}

/** Replies that a server may send to one option; a few infos are usual. */
const MAX_OPTION_REPLIES = 64;

/**
 * The client's half of the fixed newstyle handshake, up to NBD_OPT_GO: asks for structured replies and the allocation
 * map, and does without them where the server has none. `send` writes to the server. Throws PROGRAM_FAILED.
 */
export function* handshake(
  name: string,
  exportName: string,
  send: (bytes: Uint8Array) => void,
): WireReader<NbdExport> {
  const greeting = yield* take(18);
  if (greeting.readBigUInt64BE(0) !== INIT_MAGIC || greeting.readBigUInt64BE(8) !== OPTION_MAGIC) {
    throw protocolError(name, "does not greet as a newstyle server");
  }
  const serverFlags = greeting.readUInt16BE(16);
  if ((serverFlags & HANDSHAKE_FLAG.fixedNewstyle) === 0) {
    throw protocolError(name, "knows only the unfixed newstyle handshake");
  }
  const clientFlags = Buffer.alloc(4);
  clientFlags.writeUInt32BE(serverFlags & (HANDSHAKE_FLAG.fixedNewstyle | HANDSHAKE_FLAG.noZeroes));
  send(clientFlags);

  send(encodeOption(OPTION.structuredReply));
  const structuredReplies = (yield* replies(name, OPTION.structuredReply)) !== undefined;
  const allocationId = structuredReplies ? yield* allocationContext(name, exportName, send) : undefined;
  send(encodeOption(OPTION.go, encodeGo(exportName, [INFO.blockSize])));
  const infos = yield* replies(name, OPTION.go);
  if (infos === undefined) throw protocolError(name, `has no export "${exportName}"`);
  return {
    ...exportFacts(name, infos),
    structuredReplies,
    ...(allocationId === undefined ? {} : { allocationId }),
  };
}

function* allocationContext(
  name: string,
  exportName: string,
  send: (bytes: Uint8Array) => void,
): WireReader<number | undefined> {
  send(encodeOption(OPTION.setMetaContext, encodeMetaContext(exportName, BASE_ALLOCATION)));
  const contexts = yield* replies(name, OPTION.setMetaContext);
  const found = contexts?.find(({ payload }) => payload.toString("utf8", 4) === BASE_ALLOCATION);
  return found === undefined || found.payload.byteLength < 4 ? undefined : found.payload.readUInt32BE(0);
}

interface OptionReply {
  readonly type: number;
  readonly payload: Buffer;
}

/** All replies to one option up to its ACK, or undefined when the server refuses the option. */
function* replies(name: string, option: number): WireReader<readonly OptionReply[] | undefined> {
  const received: OptionReply[] = [];
  while (received.length < MAX_OPTION_REPLIES) {
    const head = yield* take(20);
    const [type, lengthBytes] = [head.readUInt32BE(12), head.readUInt32BE(16)];
    if (head.readBigUInt64BE(0) !== OPTION_REPLY_MAGIC || head.readUInt32BE(8) !== option) {
      throw protocolError(name, `answers something else than option ${option}`);
    }
    if (lengthBytes > 2 * MAX_STRING_BYTES)
      throw protocolError(name, `sends ${lengthBytes} bytes of option reply`);
    const payload = yield* take(lengthBytes);
    if (type >= OPTION_ERROR_BASE) return undefined;
    if (type === OPTION_REPLY.ack) return received;
    received.push({ type, payload });
  }
  throw protocolError(name, `sends more than ${MAX_OPTION_REPLIES} replies to one option`);
}

function exportFacts(
  name: string,
  infos: readonly OptionReply[],
): Omit<NbdExport, "structuredReplies" | "allocationId"> {
  const byType = (type: number, lengthBytes: number): Buffer | undefined =>
    infos
      .filter((info) => info.type === OPTION_REPLY.info)
      .map(({ payload }) => payload)
      .find((payload) => payload.byteLength === lengthBytes && payload.readUInt16BE(0) === type);
  const facts = byType(INFO.export, 12);
  if (facts === undefined) throw protocolError(name, "does not tell the size of the export");
  const sizeBytes = Number(facts.readBigUInt64BE(2));
  if (!Number.isSafeInteger(sizeBytes)) throw protocolError(name, `states a size of ${sizeBytes} bytes`);
  const sizes = byType(INFO.blockSize, 14);
  const minBlockBytes = sizes?.readUInt32BE(2) ?? DEFAULT_BLOCK_SIZES.minBytes;
  const maxBlockBytes = sizes?.readUInt32BE(10) ?? DEFAULT_BLOCK_SIZES.maxBytes;
  const isPowerOfTwo = (minBlockBytes & (minBlockBytes - 1)) === 0;
  if (minBlockBytes < 1 || minBlockBytes > 65_536 || !isPowerOfTwo || maxBlockBytes < minBlockBytes) {
    throw protocolError(name, `states block sizes from ${minBlockBytes} to ${maxBlockBytes} bytes`);
  }
  const canMultiConn = (facts.readUInt16BE(10) & TRANSMISSION_FLAG.canMultiConn) !== 0;
  return { sizeBytes, minBlockBytes, maxBlockBytes, canMultiConn };
}
