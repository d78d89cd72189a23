import { readFile } from "node:fs/promises";
import test from "ava";
import { detectFormat } from "../../../validators/container/format.ts";
import { requiresShared, sharedFile } from "../../support/shared.ts";

test("detectFormat() takes what carries no mark for raw", (t) => {
  t.deepEqual(detectFormat(new Uint8Array(65_536)), { format: "raw" });
  t.deepEqual(detectFormat(new Uint8Array(0)), { format: "raw" });
  t.deepEqual(detectFormat(new Uint8Array(1).fill(0x51), new Uint8Array(512)), { format: "raw" });
});

test("detectFormat() reads the virtual size of qcow2", (t) => {
  const head = Buffer.alloc(512);
  head.write("QFI\xfb", "latin1");
  head.writeUInt32BE(3, 4);
  head.writeBigUInt64BE(10_485_760n, 24);
  t.deepEqual(detectFormat(head), { format: "qcow2", virtualSizeBytes: 10_485_760 });
});

test("detectFormat() tells a fixed VHD by its footer alone", (t) => {
  const footer = Buffer.alloc(512);
  footer.write("conectix", "latin1");
  footer.writeBigUInt64BE(2_097_152n, 48);
  footer.writeUInt32BE(2, 60);
  t.deepEqual(detectFormat(new Uint8Array(512), footer), { format: "vhd", virtualSizeBytes: 2_097_152 });
});

test("detectFormat() refuses a differencing VHD with IMAGE_UNSAFE", (t) => {
  const footer = Buffer.alloc(512);
  footer.write("conectix", "latin1");
  footer.writeUInt32BE(4, 60);
  t.is(
    codeOf(() => detectFormat(footer)),
    "IMAGE_UNSAFE",
  );
});

test("detectFormat() refuses two marks in one image with IMAGE_UNSAFE", (t) => {
  const head = Buffer.alloc(512);
  head.write("QFI\xfb", "latin1");
  head.write("\x7f\x10\xda\xbe", 64, "latin1");
  t.is(
    codeOf(() => detectFormat(head)),
    "IMAGE_UNSAFE",
  );
});

for (const [mark, name] of [
  ["QED\0", "QED"],
  ["LUKS\xba\xbe", "LUKS"],
  ["# Disk DescriptorFile\n", "a VMDK descriptor"],
  ["COWD", "COWD"],
  ["QFI\xfb\0\0\0\x01", "qcow version 1"],
] as const) {
  test(`detectFormat() refuses ${name} by name with FORMAT_UNKNOWN`, (t) => {
    t.is(
      codeOf(() => detectFormat(Buffer.from(mark.padEnd(512, "\0"), "latin1"))),
      "FORMAT_UNKNOWN",
    );
  });
}

for (const [file, format, virtualSizeBytes] of [
  ["dfvfs-ext2.qcow2", "qcow2", 4_194_304],
  ["dfvfs-ext2.vhd", "vhd", 4_212_736],
  ["dfvfs-ext2.vmdk", "vmdk", 4_194_304],
] as const) {
  requiresShared(`images/${file}`)(`detectFormat() tells ${file} of other people's software`, async (t) => {
    const content = await readFile(sharedFile(`images/${file}`));
    t.deepEqual(detectFormat(content.subarray(0, 65_536), content.subarray(-512)), {
      format,
      virtualSizeBytes,
    });
  });
}

function codeOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return "no error";
}
