import { gzipSync } from "node:zlib";
import test from "ava";
import { ATTACKS } from "../../../fixtures/hostile/index.ts";
import { DUMMY_BAIT } from "../../../fixtures/hostile/attack.ts";
import { GOOD_IMAGES } from "../../../fixtures/hostile/good/index.ts";
import { tarOf } from "../../../fixtures/hostile/tar.ts";
import { prefixView } from "../../../validators/container/image-view.ts";
import { findMarks, markName } from "../../../validators/container/marks.ts";

const names = (content: Buffer) => findMarks(prefixView(content, content.byteLength)).map(markName);

for (const { name, format, make } of GOOD_IMAGES) {
  test(`findMarks() tells the image ${name} by one mark, and raw by none`, (t) => {
    t.deepEqual(names(make()), format === "raw" ? [] : [format]);
  });
}

test("findMarks() tells every layer", (t) => {
  t.deepEqual(names(gzipSync("x")), ["gzip"]);
  t.deepEqual(names(tarOf("x", Buffer.from("x"))), ["tar"]);
  t.deepEqual(names(Buffer.from("\xfd7zXZ\0", "latin1")), ["xz"]);
  t.deepEqual(names(Buffer.from("\x28\xb5\x2f\xfd", "latin1")), ["zstd"]);
  t.deepEqual(names(Buffer.from("BZh91AY&SY", "latin1")), ["bzip2"]);
  t.deepEqual(names(Buffer.from("BZh1\x17rE8P\x90", "latin1")), ["bzip2"]);
  t.deepEqual(names(Buffer.from("BZh, said the bee")), []);
});

test("findMarks() needs the whole mark", (t) => {
  for (const { id, make } of ATTACKS.filter(({ id }) => id.startsWith("refused-"))) {
    const [name] = names(make(DUMMY_BAIT));
    t.truthy(name, id);
  }
  for (const almost of ["QFI", "KDM", "conecti", "vhdxfil", "QED", "LUKS\xba"])
    t.deepEqual(names(Buffer.from(almost, "latin1")), []);
  t.deepEqual(names(Buffer.alloc(0)), []);
});

test("findMarks() takes text for a VMDK descriptor as qemu does", (t) => {
  const [descriptor] = names(Buffer.from("# Disk DescriptorFile\n"));
  for (const text of ["version=1\n", "# x\n\n  \nversion=3\n", "# x\r\n\r\nversion=2\r\n"])
    t.deepEqual(names(Buffer.from(text)), [descriptor]);
  for (const text of ["version=4\n", "x\nversion=1\n", "version=1"])
    t.deepEqual(names(Buffer.from(text)), []);
});
