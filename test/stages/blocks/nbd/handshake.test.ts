import test from "ava";
import { handshake } from "../../../../stages/blocks/nbd/handshake.ts";
import { OPTION, OPTION_REPLY_MAGIC } from "../../../../stages/blocks/nbd/protocol.ts";
import { type WireReader, feeder } from "../../../../stages/blocks/nbd/wire.ts";
import { u16, u32, u64 } from "../../../support/nbd-server.ts";

const GREETING = Buffer.from("4e42444d4147494349484156454f50540003", "hex");
const UNSUPPORTED = 2 ** 31 + 1;

function reply(option: number, type: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  return Buffer.concat([u64(OPTION_REPLY_MAGIC), u32(option), u32(type), u32(payload.byteLength), payload]);
}

const EXPORT = reply(OPTION.go, 3, Buffer.concat([u16(0), u64(1024n), u16(1 | (1 << 8))]));

/** What the handshake comes to when the server sends `bytes`, and what it sent. */
function agree(...bytes: readonly Uint8Array[]) {
  const sent: Uint8Array[] = [];
  let result: unknown;
  function* whole(): WireReader<void> {
    result = yield* handshake("disk", "export", (piece) => void sent.push(piece));
  }
  feeder(whole()).feed(Buffer.concat(bytes));
  return { result, sent: Buffer.concat(sent) };
}

test("handshake() agrees on structured replies and the allocation map", (t) => {
  const { result, sent } = agree(
    GREETING,
    reply(OPTION.structuredReply, 1),
    reply(OPTION.setMetaContext, 4, Buffer.concat([u32(5), Buffer.from("base:allocation")])),
    reply(OPTION.setMetaContext, 1),
    EXPORT,
    reply(OPTION.go, 3, Buffer.concat([u16(3), u32(512), u32(4096), u32(2 ** 20)])),
    reply(OPTION.go, 1),
  );
  t.deepEqual(result, {
    sizeBytes: 1024,
    minBlockBytes: 512,
    maxBlockBytes: 2 ** 20,
    canMultiConn: true,
    structuredReplies: true,
    allocationId: 5,
  });
  t.is(sent.readUInt32BE(0), 3, "the flags of the client");
});

test("handshake() does without what the server does not know", (t) => {
  const { result } = agree(GREETING, reply(OPTION.structuredReply, UNSUPPORTED), EXPORT, reply(OPTION.go, 1));
  t.deepEqual(result, {
    sizeBytes: 1024,
    minBlockBytes: 1,
    maxBlockBytes: 32 * 1024 ** 2,
    canMultiConn: true,
    structuredReplies: false,
  });
});

const refused = reply(OPTION.structuredReply, UNSUPPORTED);
for (const [what, bytes, message] of [
  ["an old server", [Buffer.alloc(18, "NBDMAGIC")], /does not greet/],
  ["an unfixed newstyle server", [Buffer.from(GREETING).fill(0, 16)], /unfixed newstyle/],
  ["an unknown export", [GREETING, refused, reply(OPTION.go, 2 ** 31 + 6)], /has no export "export"/],
  ["an answer to another option", [GREETING, reply(OPTION.go, 1)], /answers something else/],
  ["an export without size", [GREETING, refused, reply(OPTION.go, 1)], /does not tell the size/],
  ["a reply that says it is huge", [GREETING, reply(8, 1).fill(0xff, 16)], /bytes of option reply/],
  [
    "replies without end",
    [GREETING, ...Array.from({ length: 70 }, () => reply(8, 3))],
    /more than 64 replies/,
  ],
] as const) {
  test(`handshake() fails with PROGRAM_FAILED for ${what}`, (t) => {
    t.like(
      t.throws(() => agree(...bytes)),
      { code: "PROGRAM_FAILED" },
    );
    t.throws(() => agree(...bytes), { message });
  });
}
