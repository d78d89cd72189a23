import { isPowerOfTwo, quoted } from "./fields.ts";
import { firstOutside, firstOverlap, firstPlaceOutside, firstPlaceShared } from "./regions.ts";
import { brokenIf, container, type Rule, unlessFound } from "./rule.ts";
import { MAX_DESCRIPTOR_BYTES, readVmdk, type Vmdk } from "./vmdk.ts";
import { entryOf } from "./vmdk-descriptor.ts";

/** VMDKs that are one file; all others name files beside them, on any path. */
const ONE_FILE_TYPES: readonly string[] = ["monolithicSparse", "streamOptimized"];
/** Marks content that is compressed, each grain with its length in front (flags bit 16). */
const COMPRESSED_FLAG = 0x10000;
const NO_PARENT = "ffffffff";

const EXPORT = "Export it as a stream-optimized VMDK";
const FETCH = "Fetch the image again; if it is damaged where it came from, export it anew";

const RULES: readonly Rule<Vmdk>[] = [
  {
    id: "vmdk-header",
    reads:
      "version, flags, grain size, entries a grain table, newline marks and compression in the first sector",
    refuses:
      "versions other than 1 to 3, grains that are no power of two from 4 KiB to 1 GiB, grain tables of more than 512 entries, newline marks that a text transfer changed",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: FETCH,
    check: ({ header: { version, grainBytes, entriesPerTable, newlines, compression } }) =>
      brokenIf(
        version < 1 ||
          version > 3 ||
          !isPowerOfTwo(grainBytes) ||
          grainBytes < 4096 ||
          grainBytes > 2 ** 30 ||
          entriesPerTable < 1 ||
          entriesPerTable > 512 || // qemu block/vmdk.c: "L2 table size too big"
          newlines !== "\n \r\n" ||
          compression > 1,
        () =>
          `its header contradicts itself: version ${version}, grains of ${grainBytes} bytes, ${entriesPerTable} entries a table, newline marks ${quoted(newlines)}, compression ${compression}`,
      ),
  },
  {
    id: "vmdk-descriptor-size",
    reads: "offset and size of the descriptor at 28",
    refuses: `no descriptor, one that is not within the first MiB, or one of more than ${MAX_DESCRIPTOR_BYTES / 1024} KiB`,
    severity: "error",
    code: "IMAGE_UNSAFE",
    remedy: EXPORT,
    check: ({ header: { descriptorOffset, descriptorBytes } }) =>
      brokenIf(
        descriptorOffset < 512 ||
          descriptorBytes < 512 ||
          descriptorBytes > MAX_DESCRIPTOR_BYTES ||
          descriptorOffset + descriptorBytes > 1024 ** 2,
        () => `its descriptor has ${descriptorBytes} bytes at byte ${descriptorOffset}`,
      ),
  },
  {
    id: "vmdk-create-type",
    reads: 'every "createType" in the descriptor, comments included',
    refuses: "types other than monolithicSparse and streamOptimized, and more than one (CVE-2022-47951)",
    severity: "error",
    code: "IMAGE_UNSAFE",
    remedy: EXPORT,
    check({ descriptor }) {
      if (descriptor === undefined) return "unseen";
      const type = entryOf(descriptor, "createType");
      return brokenIf(descriptor.createTypeCount !== 1 || !ONE_FILE_TYPES.includes(type ?? ""), () =>
        descriptor.createTypeCount > 1
          ? `its descriptor names ${descriptor.createTypeCount} types`
          : `it is a VMDK of type ${quoted(type ?? "unknown")}: one of ${ONE_FILE_TYPES.join(", ")} is wanted`,
      );
    },
  },
  {
    id: "vmdk-extents",
    reads: "the extent lines of the descriptor",
    refuses:
      "more or less than one extent, types other than SPARSE, names with a path or an address, another size than the header states (CVE-2022-47951)",
    severity: "error",
    code: "IMAGE_UNSAFE",
    remedy: EXPORT,
    check({ descriptor, header }) {
      if (descriptor === undefined) return "unseen";
      const [extent, ...others] = descriptor.extents;
      if (extent === undefined || others.length > 0)
        return { found: `its descriptor has ${descriptor.extents.length} extents: 1 is wanted` };
      const { access, type, place, sectorCount } = extent;
      if (type !== "SPARSE" || access === "NOACCESS")
        return { found: `its descriptor has an extent of type ${quoted(`${access} ${type}`)}` };
      if (!/^"[^"/\\:{}]*"$/.test(place)) return { found: `its descriptor names a file ${quoted(place)}` };
      return brokenIf(
        sectorCount * 512 !== header.diskBytes,
        () => `its extent has ${sectorCount * 512} bytes, and its header states ${header.diskBytes}`,
      );
    },
  },
  {
    id: "vmdk-parent",
    reads: "parentCID, parentFileNameHint and changeTrackPath of the descriptor",
    refuses: "a delta of another disk, or a file to track changes in",
    severity: "error",
    code: "IMAGE_UNSAFE",
    remedy: "Consolidate the snapshots where it was made, then export it",
    check({ descriptor }) {
      if (descriptor === undefined) return "unseen";
      const parents = descriptor.entries
        .filter(([key]) => /^parentCID$/i.test(key))
        .map(([, value]) => value);
      const hint = entryOf(descriptor, "parentFileNameHint") ?? entryOf(descriptor, "changeTrackPath");
      return brokenIf(
        hint !== undefined || parents.some((parent) => parent.toLowerCase() !== NO_PARENT),
        () => `it is a delta of another disk: ${quoted(hint ?? parents.join(", "))}`,
      );
    },
  },
  {
    id: "vmdk-lines",
    reads: "every line of the descriptor",
    refuses: "lines that are neither comment, entry nor extent, and text behind the end",
    severity: "error",
    code: "IMAGE_UNSAFE",
    remedy: EXPORT,
    check({ descriptor }) {
      if (descriptor === undefined) return "unseen";
      const [strange] = descriptor.strangeLines;
      if (strange !== undefined)
        return { found: `its descriptor has a line that nobody understands: ${quoted(strange)}` };
      return brokenIf(descriptor.hasHiddenText, () => "its descriptor has more text behind its end");
    },
  },
  {
    id: "vmdk-footer",
    reads: "the footer of a stream, 1024 bytes before the end",
    refuses: "a footer that differs from the header in more than the place of the directory",
    severity: "error",
    code: "IMAGE_UNSAFE",
    remedy: FETCH,
    check({ header, footer }) {
      if (header.directoryOffset !== undefined) return "holds";
      if (footer === undefined) return "unseen";
      const essence = (one: typeof header) => JSON.stringify({ ...one, directoryOffset: 0, version: 0 });
      return brokenIf(
        essence(header) !== essence(footer) || footer.directoryOffset === undefined,
        () => "its footer is missing or contradicts its header",
      );
    },
  },
  {
    id: "vmdk-tables",
    reads: "places of descriptor, grain directory and grain tables, length of the file",
    refuses: "tables outside the file or overlapping each other",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: FETCH,
    check({ tables, grainTables, fileBytes }) {
      const found = firstOverlap(tables) ?? firstPlaceShared(grainTables, tables);
      if (found !== undefined) return { found };
      if (fileBytes === undefined) return "unseen";
      return unlessFound(firstOutside(tables, fileBytes) ?? firstPlaceOutside(grainTables, fileBytes));
    },
  },
  {
    id: "vmdk-grains",
    reads: "grain tables, as many as fit the bound on reading",
    refuses: "grains outside the file, and one grain used twice",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: FETCH,
    check({ grains, header, tables, fileBytes }) {
      if (fileBytes === undefined) return "unseen";
      const leastBytes = (header.flags & COMPRESSED_FLAG) === 0 ? header.grainBytes : 1;
      const places = { what: "grain", lengthBytes: leastBytes, offsets: grains };
      return unlessFound(firstPlaceOutside(places, fileBytes) ?? firstPlaceShared(places, tables));
    },
  },
];

/** VMDK of one file: monolithicSparse and streamOptimized. */
export const vmdk = container({
  format: "vmdk",
  read: readVmdk,
  virtualSizeBytes: ({ header }) => header.diskBytes,
  rules: RULES,
});
