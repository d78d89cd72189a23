import test from "ava";
import fc from "fast-check";
import { ImportError } from "../../../pipeline/errors.ts";
import {
  isTar,
  paddedBytes,
  parseTarHeader,
  tarNumber,
  textField,
  withChecksum,
} from "../../../stages/tar/header.ts";
import { tar } from "../../../stages/tar/writer.ts";
import { chunked } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";

async function header(name: string, sizeBytes: number): Promise<Buffer> {
  const output = tar({ name, sizeBytes }).transform(chunked(new Uint8Array()), testContext());
  return Buffer.from((await output[Symbol.asyncIterator]().next()).value);
}

test("parseTarHeader() reads size and type, and tells the end mark", async (t) => {
  const block = await header("disk.img", 12_345);
  t.deepEqual(parseTarHeader(block), { sizeBytes: 12_345, type: "0", block });
  t.is(parseTarHeader(Buffer.alloc(512)), undefined);
});

test("parseTarHeader() fails with ARCHIVE_INVALID for any changed byte outside of the checksum's own slack", async (t) => {
  const block = await header("disk.img", 12_345);
  for (let at = 0; at < 512; at++) {
    if (at >= 148 && at < 156) continue;
    const damaged = Buffer.from(block);
    damaged[at] = (damaged[at]! + 1) % 256;
    t.is((await failure(() => parseTarHeader(damaged))).code, "ARCHIVE_INVALID", String(at));
    t.false(isTar(damaged));
  }
});

test("parseTarHeader() takes a checksum over signed bytes, and gives the block with the usual one", async (t) => {
  const usual = await header("ü".repeat(20), 1);
  const signed = Buffer.from(usual);
  const stated = Number.parseInt(usual.toString("latin1", 148, 154), 8);
  signed.write((stated - 40 * 256).toString(8).padStart(6, "0"), 148, "latin1");
  t.deepEqual(parseTarHeader(signed)?.block, usual);
});

test("parseTarHeader() fails with ARCHIVE_INVALID for a block that is empty but for its checksum", async (t) => {
  const block = withChecksum(Buffer.alloc(512));
  t.is((await failure(() => parseTarHeader(block))).code, "ARCHIVE_INVALID");
});

test("parseTarHeader() throws nothing but ARCHIVE_INVALID for any block", (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 512, maxLength: 512 }), (block) => {
      try {
        parseTarHeader(block);
      } catch (error) {
        return error instanceof ImportError && error.code === "ARCHIVE_INVALID";
      }
      return true;
    }),
  );
  t.pass();
});

test("tarNumber() reads octal and base-256, and refuses negative and huge ones", async (t) => {
  const field = (text: string): Buffer => Buffer.from(text.padEnd(12, "\0"), "latin1");
  t.is(tarNumber(field("00000000017"), 0, 12), 15);
  t.is(tarNumber(field("      17 "), 0, 12), 15);
  t.is(tarNumber(field(""), 0, 12), 0);
  const base256 = Buffer.alloc(12);
  base256[0] = 0x80;
  base256.writeUInt32BE(7, 4);
  t.is(tarNumber(base256, 0, 12), 7 * 2 ** 32);
  for (const bad of [Buffer.alloc(12, 0xff), field("8"), field("12x")]) {
    t.is((await failure(() => tarNumber(bad, 0, 12))).code, "ARCHIVE_INVALID");
  }
});

test("textField() ends at the first NUL or with the field, paddedBytes() at whole blocks", (t) => {
  t.is(textField(Buffer.from("abc\0def"), 0, 7), "abc");
  t.is(textField(Buffer.from("abcdef"), 1, 3), "bcd");
  t.deepEqual([0, 1, 511, 512, 513].map(paddedBytes), [0, 512, 512, 512, 1024]);
});
