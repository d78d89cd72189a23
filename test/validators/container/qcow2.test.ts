import test from "ava";
import {
  CLUSTER_BYTES,
  QCOW2_CLUSTERS,
  qcow2Image,
  withExtension,
} from "../../../fixtures/hostile/good/qcow2.ts";
import { prefixView } from "../../../validators/container/image-view.ts";
import { readQcow2 } from "../../../validators/container/qcow2.ts";

const at = (cluster: keyof typeof QCOW2_CLUSTERS) => QCOW2_CLUSTERS[cluster] * CLUSTER_BYTES;
const read = (image: Buffer) => readQcow2(prefixView(image, image.byteLength));

test("readQcow2() gives header, tables and clusters", async (t) => {
  t.like(await read(qcow2Image()), {
    version: 3,
    headerBytes: 104,
    clusterBits: 16,
    diskBytes: 1024 ** 2,
    l1: { offset: at("l1"), count: 1, wantedCount: 1 },
    refcountClusters: 1,
    snapshotCount: 0,
    extensions: [],
    tables: [
      { what: "header", offset: 0, length: 104 },
      { what: "L1 table", offset: at("l1"), length: 8 },
      { what: "refcount table", offset: at("refcountTable"), length: CLUSTER_BYTES },
    ],
    innerTables: { offsets: [at("l2"), at("refcountBlock")] },
    clusters: { plain: [at("data")], compressedCount: 0, compressedBytes: 0 },
  });
});

test("readQcow2() measures compressed clusters from their offset to their last sector", async (t) => {
  const image = qcow2Image();
  // Two more sectors behind the one in which it starts, 100 bytes in: at least 924 bytes.
  image.writeUInt32BE(0x40000000 | (2 << 22), at("l2"));
  image.writeUInt32BE(at("data") + 100, at("l2") + 4);
  const { clusters } = await read(image);
  t.deepEqual(clusters, {
    plain: [],
    compressedCount: 1,
    compressedBytes: 924,
    compressedEnd: at("data") + 101,
  });
});

test("readQcow2() ignores the fields of version 3 in version 2", async (t) => {
  const image = qcow2Image();
  image.writeUInt32BE(2, 4);
  image.fill(0xff, 72, 104);
  t.like(await read(image), { headerBytes: 72, incompatible: { high: 0, low: 0 }, refcountOrder: 4 });
});

test("readQcow2() lists extensions up to the end mark", async (t) => {
  const image = withExtension(qcow2Image(), 0x12345678, "abc");
  image.writeUInt32BE(7, 120); // padded to 8 bytes
  const { extensions } = await read(image);
  t.deepEqual(extensions, [
    { type: 0x12345678, offset: 104, lengthBytes: 3 },
    { type: 7, offset: 120, lengthBytes: 0 },
  ]);
});

test("readQcow2() counts 16 bytes an entry where clusters have parts", async (t) => {
  const image = qcow2Image();
  image.writeUInt32BE(16, 76);
  image.writeUInt32BE(0x80000000, at("l2") + 8); // a bitmap, no offset
  image.writeUInt32BE(at("data"), at("l2") + 12);
  t.deepEqual((await read(image)).clusters.plain, [at("data")]);
});
