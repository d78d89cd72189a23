import test from "ava";
import { crc32c } from "../../../validators/container/crc32c.ts";

test("crc32c() gives the values of RFC 3720, appendix B.4", (t) => {
  t.is(crc32c(new Uint8Array(32)), 0x8a9136aa);
  t.is(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  t.is(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e);
  t.is(crc32c(Buffer.from("123456789")), 0xe3069283);
});

test("crc32c() takes four bytes for zero where it is told to", (t) => {
  const bytes = new Uint8Array(32).fill(7, 4, 8);
  t.is(crc32c(bytes, 4), 0x8a9136aa);
  t.not(crc32c(bytes, 5), 0x8a9136aa);
});
