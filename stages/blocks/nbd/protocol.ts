/**
 * Numbers and layouts of the NBD protocol, for both ends of it.
 * Source: NetworkBlockDevice/nbd, doc/proto.md ("Values"). All integers are big-endian.
 */

/** "NBDMAGIC", then "IHAVEOPT": how a newstyle server greets; the second also begins every option. */
export const INIT_MAGIC = 0x4e42444d41474943n;
export const OPTION_MAGIC = 0x49484156454f5054n;
export const OPTION_REPLY_MAGIC = 0x3e889045565a9n;
export const REQUEST_MAGIC = 0x25609513;
export const SIMPLE_REPLY_MAGIC = 0x67446698;
export const STRUCTURED_REPLY_MAGIC = 0x668e33ef;

/** In the server's greeting, and in the client's answer to it. */
export const HANDSHAKE_FLAG = { fixedNewstyle: 1 << 0, noZeroes: 1 << 1 } as const;

export const OPTION = { abort: 2, go: 7, structuredReply: 8, setMetaContext: 10 } as const;

export const OPTION_REPLY = { ack: 1, info: 3, metaContext: 4 } as const;

/** Option replies from here on are errors. */
export const OPTION_ERROR_BASE = 2 ** 31;

export const INFO = { export: 0, blockSize: 3 } as const;

export const TRANSMISSION_FLAG = { hasFlags: 1 << 0, readOnly: 1 << 1, canMultiConn: 1 << 8 } as const;

export const COMMAND = { read: 0, disconnect: 2, blockStatus: 7 } as const;

export const REPLY_FLAG_DONE = 1 << 0;

export const REPLY = { none: 0, offsetData: 1, offsetHole: 2, blockStatus: 5 } as const;

/** Structured replies from here on are errors; this one also tells at which offset. */
export const REPLY_ERROR_BASE = 2 ** 15;

/** The allocation map. A run without ZERO may hold anything, also when it is a HOLE. */
export const BASE_ALLOCATION = "base:allocation";
export const ALLOCATION_FLAG_ZERO = 1 << 1;

/** Sizes that a client may count on when the server does not state any ("Size constraints"). */
export const DEFAULT_BLOCK_SIZES = { minBytes: 1, maxBytes: 32 * 1024 ** 2 } as const;

/** Longest string of the protocol, such as a name or a message. */
export const MAX_STRING_BYTES = 4096;

/** Some of the errno values that servers send, by the names of errno(3). */
export const ERRNO = { EIO: 5, ESHUTDOWN: 108 } as const;

export const REQUEST_BYTES = 28;

/** A request as it goes over the wire; `cookie` is given back with the reply. */
export function encodeRequest(request: {
  readonly command: number;
  readonly cookie: number;
  readonly offset: number;
  readonly lengthBytes: number;
}): Buffer {
  const buffer = Buffer.alloc(REQUEST_BYTES);
  buffer.writeUInt32BE(REQUEST_MAGIC, 0);
  buffer.writeUInt16BE(request.command, 6);
  buffer.writeBigUInt64BE(BigInt(request.cookie), 8);
  buffer.writeBigUInt64BE(BigInt(request.offset), 16);
  buffer.writeUInt32BE(request.lengthBytes, 24);
  return buffer;
}

/** A client's option of the handshake. */
export function encodeOption(option: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(16);
  head.writeBigUInt64BE(OPTION_MAGIC, 0);
  head.writeUInt32BE(option, 8);
  head.writeUInt32BE(payload.byteLength, 12);
  return Buffer.concat([head, payload]);
}

/** The payload of NBD_OPT_GO: the export, and which facts beside its size are wanted. */
export function encodeGo(exportName: string, infos: readonly number[]): Buffer {
  const tail = Buffer.alloc(2 + 2 * infos.length);
  tail.writeUInt16BE(infos.length, 0);
  infos.forEach((info, index) => tail.writeUInt16BE(info, 2 + 2 * index));
  return Buffer.concat([encodeString(exportName), tail]);
}

/** The payload of NBD_OPT_SET_META_CONTEXT for one context. */
export function encodeMetaContext(exportName: string, context: string): Buffer {
  return Buffer.concat([encodeString(exportName), uint32(1), encodeString(context)]);
}

function encodeString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint32(bytes.byteLength), bytes]);
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}
