import test from "ava";
import {
  sparseVmdk,
  streamVmdk,
  VMDK_DISK_SECTORS,
  VMDK_SECTORS,
} from "../../../fixtures/hostile/good/vmdk.ts";
import { prefixView } from "../../../validators/container/image-view.ts";
import { readVmdk } from "../../../validators/container/vmdk.ts";

test("readVmdk() follows directory and tables of a sparse VMDK to its grains", async (t) => {
  const image = sparseVmdk();
  const vmdk = await readVmdk(prefixView(image, image.byteLength));
  t.like(vmdk.header, {
    diskBytes: VMDK_DISK_SECTORS * 512,
    grainBytes: 65_536,
    directoryOffset: VMDK_SECTORS.directory * 512,
  });
  t.is(vmdk.footer, undefined);
  t.deepEqual(vmdk.grainTables, {
    what: "grain table",
    lengthBytes: 2048,
    offsets: [VMDK_SECTORS.table * 512],
  });
  t.deepEqual(vmdk.grains, [VMDK_SECTORS.data * 512]);
  t.is(vmdk.descriptor?.extents.length, 1);
});

test("readVmdk() finds the directory of a stream in its footer, and without an end does without", async (t) => {
  const image = streamVmdk();
  const whole = await readVmdk(prefixView(image, image.byteLength));
  t.is(whole.header.directoryOffset, undefined);
  t.is(typeof whole.footer?.directoryOffset, "number");
  t.deepEqual(whole.grains, [21 * 512]);
  const beginning = await readVmdk(prefixView(image));
  t.is(beginning.footer, undefined);
  t.deepEqual(beginning.grains, []);
  t.is(beginning.descriptor?.extents.length, 1);
});

test("readVmdk() takes a descriptor that is cut off for not at hand", async (t) => {
  t.is((await readVmdk(prefixView(sparseVmdk().subarray(0, 1024)))).descriptor, undefined);
});
