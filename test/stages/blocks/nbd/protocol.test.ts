import test from "ava";
import {
  encodeGo,
  encodeMetaContext,
  encodeOption,
  encodeRequest,
} from "../../../../stages/blocks/nbd/protocol.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const spaced = (text: string): string => text.replaceAll(" ", "");

// The layouts of doc/proto.md, written out by hand.
test("encodeRequest() lays out a read", (t) => {
  const request = encodeRequest({
    command: 0,
    cookie: 0x0102,
    offset: 2 ** 40 + 3,
    lengthBytes: 0xffff_ffff,
  });
  t.is(hex(request), spaced("25609513 0000 0000 0000000000000102 0000010000000003 ffffffff"));
});

test("encodeOption() lays out an option with its length", (t) => {
  t.is(hex(encodeOption(8)), spaced("49484156454f5054 00000008 00000000"));
  t.is(hex(encodeOption(7, Buffer.of(0xaa))), spaced("49484156454f5054 00000007 00000001 aa"));
});

test("encodeGo() and encodeMetaContext() count bytes, not letters", (t) => {
  t.is(hex(encodeGo("ä", [3])), spaced("00000002 c3a4 0001 0003"));
  t.is(hex(encodeMetaContext("d", "b:a")), spaced("00000001 64 00000001 00000003 623a61"));
});
