import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import test from "ava";
import { seededBytes } from "../../../fixtures/seeded.ts";
import { parseTarHeader } from "../../../stages/tar/header.ts";
import { tar, tarBytes } from "../../../stages/tar/writer.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { transformContract } from "../transforms/contract.ts";

const small = seededBytes("contract", 200_000);

transformContract(test, {
  symbol: "tar()",
  stage: () => tar({ name: "disk.img", sizeBytes: 200_000 }),
  input: async () => small,
  output: () => pack("disk.img", small),
  whenEmpty: { code: "SIZE_MISMATCH" },
  pullsAhead: 0,
});

function pack(name: string, content: Uint8Array, sizeBytes = content.byteLength): Promise<Buffer> {
  return collect(tar({ name, sizeBytes }).transform(chunked(content), testContext()));
}

test("tar() gives the golden SHA-1 of euca2ools", async (t) => {
  const archive = await pack("disk.img", Buffer.alloc(1000, 0x41));
  t.is(createHash("sha1").update(archive).digest("hex"), "560ee24d79f829f2040be85b69b646b3ba75bfb7");
});

for (const [sizeBytes, archiveBytes] of [
  [0, 10_240],
  [1, 10_240],
  [512, 10_240],
  [8192, 10_240],
  [8193, 10_240],
  [8704, 10_240],
  [8705, 20_480],
  [29_184, 30_720],
] as const) {
  test(`tar() pads ${sizeBytes} bytes to an archive of ${archiveBytes}`, async (t) => {
    const content = seededBytes("tar", sizeBytes);
    const archive = await pack("disk.img", content);
    t.is(archive.byteLength, archiveBytes);
    t.is(tarBytes("disk.img", sizeBytes), archiveBytes);
    t.true(execFileSync("tar", ["-xO"], { input: archive }).equals(content));
  });
}

for (const name of ["n".repeat(100), "n".repeat(101), "n".repeat(255), "ü".repeat(60)]) {
  test(`tar() writes a name of ${Buffer.byteLength(name)} bytes that GNU tar reads`, async (t) => {
    const archive = await pack(name, Buffer.from("content"));
    const listed = execFileSync("tar", ["-t", "--quoting-style=literal"], { input: archive }).toString();
    t.is(listed, `${name}\n`);
  });
}

test("tar() writes sizes from 8 GiB on in base-256", async (t) => {
  for (const sizeBytes of [8 ** 11 - 1, 8 ** 11, Number.MAX_SAFE_INTEGER]) {
    const output = tar({ name: "a", sizeBytes }).transform(chunked(new Uint8Array()), testContext());
    const { value } = await output[Symbol.asyncIterator]().next();
    t.is(parseTarHeader(value)?.sizeBytes, sizeBytes);
    t.is(value[124] === 0x80, sizeBytes >= 8 ** 11);
  }
});

test("tar() fails with SIZE_MISMATCH for a byte too many or too few", async (t) => {
  for (const sizeBytes of [9, 11]) {
    t.is((await failure(() => pack("a", Buffer.alloc(10), sizeBytes))).code, "SIZE_MISMATCH");
  }
});
