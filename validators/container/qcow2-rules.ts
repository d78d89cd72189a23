import { quoted } from "./fields.ts";
import { type Qcow2, readQcow2 } from "./qcow2.ts";
import { firstOutside, firstOverlap, firstPlaceOutside, firstPlaceShared } from "./regions.ts";
import { brokenIf, container, type Rule, unlessFound } from "./rule.ts";

/** Header extension "DATA": the name of an external data file (qemu docs/interop/qcow2.txt). */
const DATA_FILE_EXTENSION = 0x44415441;
const DATA_FILE_BIT = 4;
const CORRUPT_BIT = 2;
const DIRTY_BIT = 1;
/** Dirty, corrupt, external data file, compression type, extended L2. */
const KNOWN_INCOMPATIBLE = 0b11111;

/** qemu's own limits, block/qcow2.h: QCOW_MAX_L1_SIZE, QCOW_MAX_REFTABLE_SIZE, QCOW_MAX_SNAPSHOTS. */
const MAX_L1_BYTES = 32 * 1024 ** 2;
const MAX_REFCOUNT_TABLE_BYTES = 8 * 1024 ** 2;
const MAX_SNAPSHOTS = 65_536;

/** Each is compared with all data that was read; only so many L2 tables are read anyway. */
const MAX_COMPARED_TABLES = 128;

const FLATTEN = "Flatten it where it was made: qemu-img convert";
const CHECK = "Repair a copy where it was made: qemu-img check -r all";
const FETCH =
  "Fetch the image again; if it is damaged where it came from, repair a copy with qemu-img check -r all";

const RULES: readonly Rule<Qcow2>[] = [
  {
    id: "qcow2-backing-file",
    reads: "backing file offset and length at 8",
    refuses: "a backing file (CVE-2015-5163, CVE-2014-3641 and others)",
    severity: "error",
    code: "IMAGE_UNSAFE",
    remedy: FLATTEN,
    check: ({ backing }) =>
      brokenIf(
        backing.offset !== 0 || backing.lengthBytes !== 0,
        () => `it is an overlay whose other half is in a backing file: ${quoted(backing.name)}`,
      ),
  },
  {
    id: "qcow2-data-file",
    reads: 'incompatible feature bit 2 at 72, header extension "DATA"',
    refuses: "an external data file, however it is named (CVE-2024-32498, CVE-2024-4467)",
    severity: "error",
    code: "IMAGE_UNSAFE",
    remedy: "Join the two where it was made: qemu-img convert",
    check: ({ incompatible, extensions }) =>
      brokenIf(
        (incompatible.low & DATA_FILE_BIT) !== 0 ||
          extensions.some(({ type }) => type === DATA_FILE_EXTENSION),
        () => "its data is in another file",
      ),
  },
  {
    id: "qcow2-features",
    reads: "version at 4, incompatible features at 72",
    refuses: "a version other than 2 and 3, and incompatible features that nobody defined",
    severity: "error",
    code: "IMAGE_UNSAFE",
    remedy: "Convert it with the program that wrote it",
    check: ({ version, incompatible: { high, low } }) =>
      brokenIf(version < 2 || version > 3 || high !== 0 || (low & ~KNOWN_INCOMPATIBLE) !== 0, () =>
        version < 2 || version > 3
          ? `it is of version ${version}: 2 or 3 is wanted`
          : `it needs features that nobody defined: ${((BigInt(high) << 32n) | BigInt(low)).toString(2)} (bits)`,
      ),
  },
  {
    id: "qcow2-encryption",
    reads: "encryption method at 32",
    refuses: "encrypted content",
    severity: "error",
    code: "IMAGE_UNSAFE",
    remedy: "Decrypt it where it was made: qemu-img convert",
    check: ({ encryption }) =>
      brokenIf(encryption !== 0, () => `its content is encrypted (method ${encryption})`),
  },
  {
    id: "qcow2-header",
    reads: "cluster bits at 20, refcount order at 96, header length at 100, compression type at 104",
    refuses:
      "clusters outside 512 bytes to 2 MiB, refcounts wider than 64 bits, a header shorter than its fields or longer than a cluster, unknown compression",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: "Convert it with the program that wrote it",
    check: ({
      version,
      clusterBits,
      clusterBytes,
      headerBytes,
      refcountOrder,
      compressionType,
      incompatible,
    }) =>
      brokenIf(
        clusterBits < 9 ||
          clusterBits > 21 ||
          (version >= 3 && headerBytes < 104) ||
          headerBytes > clusterBytes ||
          headerBytes % 8 !== 0 ||
          refcountOrder > 6 ||
          compressionType > 1 ||
          (compressionType !== 0) !== ((incompatible.low & 8) !== 0),
        () =>
          `its header contradicts itself: ${headerBytes} bytes long, cluster bits ${clusterBits}, refcount order ${refcountOrder}, compression ${compressionType}`,
      ),
  },
  {
    id: "qcow2-extensions",
    reads: "header extensions, up to the end of the first cluster",
    refuses: "an extension that leaves the first cluster",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: "Convert it with the program that wrote it",
    check({ extensions, clusterBytes }) {
      const bad = extensions.find(({ offset, lengthBytes }) => offset + 8 + lengthBytes > clusterBytes);
      return brokenIf(
        bad !== undefined,
        () =>
          `its header extension at byte ${bad?.offset} has ${bad?.lengthBytes} bytes: the cluster ends before`,
      );
    },
  },
  {
    id: "qcow2-corrupt",
    reads: "incompatible feature bit 1 at 72",
    refuses: "an image that qemu itself marked as corrupt",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: CHECK,
    check: ({ incompatible }) =>
      brokenIf((incompatible.low & CORRUPT_BIT) !== 0, () => "qemu has marked it as corrupt"),
  },
  {
    id: "qcow2-table-sizes",
    reads: "sizes of L1 table (36), refcount table (56) and snapshot table (60)",
    refuses: "tables larger than qemu allows, an L1 table too small for the disk (CVE-2014-0142 to -0148)",
    severity: "error",
    code: "IMAGE_UNSAFE",
    remedy: "Convert it with the program that wrote it",
    check: ({ l1, refcountClusters, clusterBytes, snapshotCount }) =>
      brokenIf(
        l1.count * 8 > MAX_L1_BYTES ||
          l1.count < l1.wantedCount ||
          refcountClusters * clusterBytes > MAX_REFCOUNT_TABLE_BYTES ||
          refcountClusters === 0 ||
          snapshotCount > MAX_SNAPSHOTS,
        () =>
          `its tables have impossible sizes: ${l1.count} L1 entries (${l1.wantedCount} needed), ${refcountClusters} refcount table clusters, ${snapshotCount} snapshots`,
      ),
  },
  {
    id: "qcow2-tables",
    reads: "offsets of L1 (40), refcount (48) and snapshot table (64), length of the file",
    refuses: "tables that are not at a cluster, are outside the file, or overlap each other or the header",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: FETCH,
    check({ tables, clusterBytes, fileBytes }) {
      const crooked = tables.find(({ offset }) => offset % clusterBytes !== 0);
      if (crooked !== undefined)
        return { found: `its ${crooked.what} at byte ${crooked.offset} does not start at a cluster` };
      const found = firstOverlap(tables);
      if (found !== undefined) return { found };
      return fileBytes === undefined
        ? "unseen"
        : unlessFound(firstOutside(tables, wholeClusters(fileBytes, clusterBytes)));
    },
  },
  {
    id: "qcow2-inner-tables",
    reads: "entries of L1 and refcount table",
    refuses: "L2 tables and refcount blocks outside the file, or at the place of another table",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: FETCH,
    check({ tables, innerTables, clusterBytes, fileBytes }) {
      const found = firstPlaceShared(innerTables, tables);
      if (found !== undefined) return { found };
      return fileBytes === undefined
        ? "unseen"
        : unlessFound(firstPlaceOutside(innerTables, wholeClusters(fileBytes, clusterBytes)));
    },
  },
  {
    id: "qcow2-clusters",
    reads: "L2 tables, as many as fit the bound on reading",
    refuses:
      "data outside the file or stored where a table is, one cluster used twice, more compressed data than the file can hold",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: FETCH,
    check({ clusters, tables, innerTables, clusterBytes, fileBytes }) {
      if (fileBytes === undefined) return "unseen";
      const endBytes = wholeClusters(fileBytes, clusterBytes);
      const places = { what: "data", lengthBytes: clusterBytes, offsets: clusters.plain };
      const outside = firstPlaceOutside(places, endBytes);
      if (outside !== undefined) return { found: outside };
      const { compressedEnd, compressedBytes, compressedCount } = clusters;
      if (compressedEnd > endBytes) {
        return {
          found: `its compressed data at byte ${compressedEnd} is outside the file of ${fileBytes} bytes`,
        };
      }
      if (compressedBytes > endBytes) {
        return {
          found: `its ${compressedCount} compressed clusters need ${compressedBytes} bytes in a file of ${fileBytes}`,
        };
      }
      const taken = innerTables.offsets.map((offset) => ({
        what: innerTables.what,
        offset,
        length: clusterBytes,
      }));
      return unlessFound(firstPlaceShared(places, [...tables, ...taken.slice(0, MAX_COMPARED_TABLES)]));
    },
  },
  {
    id: "qcow2-snapshots",
    reads: "number of snapshots at 60",
    refuses: "internal snapshots, which hold data that the result will not have",
    severity: "warning",
    code: "IMAGE_UNSAFE",
    remedy: "Export the snapshots that matter as images of their own: qemu-img convert -l",
    check: ({ snapshotCount }) =>
      brokenIf(snapshotCount > 0, () => `it has ${snapshotCount} internal snapshots`),
  },
  {
    id: "qcow2-dirty",
    reads: "incompatible feature bit 0 at 72",
    refuses: "an image that was not closed properly, whose refcounts may be wrong",
    severity: "warning",
    code: "IMAGE_CORRUPT",
    remedy: CHECK,
    check: ({ incompatible }) =>
      brokenIf((incompatible.low & DIRTY_BIT) !== 0, () => "it was not closed properly"),
  },
];

/** qemu writes the last table only as far as it has entries, so a file may end within a cluster. */
function wholeClusters(fileBytes: number, clusterBytes: number): number {
  return Math.ceil(fileBytes / clusterBytes) * clusterBytes;
}

/** qcow2 of version 2 and 3. */
export const qcow2 = container({
  format: "qcow2",
  read: readQcow2,
  virtualSizeBytes: ({ diskBytes }) => diskBytes,
  rules: RULES,
});
