import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import test from "ava";
import { identifyFileSystem } from "../../../validators/disk/file-system.ts";
import { memoryBlocks } from "../../support/blocks.ts";
import { testContext } from "../../support/context.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { requires } from "../../support/requires.ts";
import { UUID, identified, identifiesAll } from "../../support/volumes.ts";

const QUICK_KEY = [
  "-q",
  "--pbkdf-force-iterations",
  "1000",
  "--key-file",
  "/dev/zero",
  "--keyfile-size",
  "32",
];
const LUKS2 = ["luksFormat", "--type", "luks2", "--label", "vault", "--uuid", UUID, "--pbkdf", "pbkdf2"];

identifiesAll([
  {
    command: ["cryptsetup", ...LUKS2, ...QUICK_KEY],
    sizeMib: 32,
    expected: { type: "crypto_LUKS", label: "vault", uuid: UUID },
    statesSize: false,
  },
  {
    command: ["cryptsetup", "luksFormat", "--type", "luks1", "--uuid", UUID, ...QUICK_KEY],
    sizeMib: 32,
    expected: { type: "crypto_LUKS", uuid: UUID },
    statesSize: false,
  },
]);

requires("xorriso", "blkid")("identifyFileSystem() names ISO 9660 with its label and size", async (t) => {
  await using content = await temporaryFolder();
  await writeFile(content.file("readme"), "hello");
  await using folder = await temporaryFolder();
  const path = folder.file("disk.iso");
  await promisify(execFile)("xorriso", [
    "-as",
    "mkisofs",
    "-quiet",
    "-V",
    "OPTICAL",
    "-o",
    path,
    content.path,
  ]);
  const found = await identified(path);
  t.is(found?.type, "iso9660");
  t.is(found?.label, "OPTICAL");
  t.true((found?.sizeBytes ?? 0) > 300 * 1024);
});

test("identifyFileSystem() names a physical volume of LVM2 by its label sector", async (t) => {
  // LVM2 lib/format_text/layout.h: label_header, then pv_header with UUID and size.
  const volume = Buffer.alloc(4096);
  volume.write("LABELONE", 512);
  volume.writeUInt32LE(32, 512 + 20);
  volume.write("LVM2 001", 512 + 24);
  volume.write("abcdefGHIJKLmnopQRSTuvwx01234567", 512 + 32);
  volume.writeBigUInt64LE(1_073_741_824n, 512 + 64);
  const found = await identifyFileSystem(memoryBlocks(volume), 0, volume.byteLength, testContext());
  t.deepEqual(found, {
    type: "LVM2_member",
    uuid: "abcdef-GHIJ-KLmn-opQR-STuv-wx01-234567",
    sizeBytes: 1_073_741_824,
  });
});
