import { isPowerOfTwo } from "./fields.ts";
import { firstOutside, firstOverlap, firstPlaceOutside, firstPlaceShared } from "./regions.ts";
import { brokenIf, container, type Rule, unlessFound } from "./rule.ts";
import { readVhd, type Vhd, type VhdFooter, VHD_DIFFERENCING, VHD_DYNAMIC, VHD_FIXED } from "./vhd.ts";

const FOOTER_BYTES = 512;
/** Larger than anybody writes (2 MiB); the bitmap of a block is read in one piece. */
const MAX_BLOCK_BYTES = 256 * 1024 ** 2;
/** Of a geometry that rounds: one cylinder of 255 tracks of 63 sectors is 8,225,280 bytes. */
const MAX_ROUNDING_BYTES = 16 * 255 * 63 * 512;

const FETCH = "Fetch the image again; if it is damaged where it came from, export it anew";

const RULES: readonly Rule<Vhd>[] = [
  {
    id: "vhd-footer",
    reads: "the last 512 bytes, and of a dynamic disk the first 512",
    refuses: "no footer at the end, a wrong checksum, and a copy at the beginning that says something else",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: FETCH,
    check({ footer, copy, hasEnd }) {
      if (!footer.hasMark)
        return { found: "it has no footer at its end: it was cut off, or something was added" };
      if (!footer.hasChecksum) return { found: "the checksum of its footer is wrong" };
      if (copy !== undefined && hasEnd && essence(copy) !== essence(footer))
        return { found: "its footer and the copy at its beginning differ" };
      return hasEnd ? "holds" : "unseen";
    },
  },
  {
    id: "vhd-differencing",
    reads: "disk type at 60 of the footers, parent fields of the dynamic header",
    refuses: "differencing disks, a dynamic disk that names a parent, and types other than fixed and dynamic",
    severity: "error",
    code: "IMAGE_UNSAFE",
    remedy: "Merge it with its parent first",
    check({ footer, copy, dynamic }) {
      const types = [footer.diskType, ...(copy?.hasMark === true ? [copy.diskType] : [])];
      if (types.includes(VHD_DIFFERENCING))
        return { found: "it is a differencing VHD, whose data is partly in another file" };
      const other = types.find((type) => type !== VHD_FIXED && type !== VHD_DYNAMIC);
      if (other !== undefined)
        return { found: `it is a VHD of type ${other}: 2 (fixed) or 3 (dynamic) is wanted` };
      return brokenIf(
        dynamic !== undefined && dynamic.hasMark && dynamic.parents.some((byte) => byte !== 0),
        () => "it is a dynamic VHD that names a parent",
      );
    },
  },
  {
    id: "vhd-fixed-length",
    reads: "current size at 48, length of the file",
    refuses: "a fixed disk whose file is not its current size and the footer",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: FETCH,
    check({ footer, fileBytes }) {
      if (footer.diskType !== VHD_FIXED) return "holds";
      if (fileBytes === undefined) return "unseen";
      return brokenIf(
        fileBytes !== footer.currentBytes + FOOTER_BYTES,
        () => `its file has ${fileBytes} bytes: ${footer.currentBytes + FOOTER_BYTES} are wanted`,
      );
    },
  },
  {
    id: "vhd-dynamic-header",
    reads: "the dynamic header, at the offset that the footer gives",
    refuses: "a missing mark, a wrong checksum, blocks that are no power of two from 4 KiB to 256 MiB",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: FETCH,
    check({ dynamic }) {
      if (dynamic === undefined) return "holds";
      const { hasMark, hasChecksum, blockBytes } = dynamic;
      return brokenIf(
        !hasMark ||
          !hasChecksum ||
          !isPowerOfTwo(blockBytes) ||
          blockBytes < 4096 ||
          blockBytes > MAX_BLOCK_BYTES,
        () =>
          hasMark && hasChecksum
            ? `its blocks have ${blockBytes} bytes`
            : "its dynamic header is missing or has a wrong checksum",
      );
    },
  },
  {
    id: "vhd-size",
    reads: "current size at 48, geometry at 56, creator at 28",
    refuses:
      "a disk that is larger than its data. Its size is the current size where Windows, Disk2vhd, XenServer, Azure or a new qemu wrote it, and cylinders × heads × sectors where another program did",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: "Export it anew, or tell who makes the program that wrote it",
    check({ footer, dynamic, diskBytes }) {
      const heldBytes = dynamic === undefined ? footer.currentBytes : dynamic.blockCount * dynamic.blockBytes;
      return brokenIf(
        diskBytes > heldBytes,
        () => `its disk has ${diskBytes} bytes and room for ${heldBytes}`,
      );
    },
  },
  {
    id: "vhd-geometry",
    reads: "current size at 48, geometry at 56",
    refuses: "sizes that differ by more than geometry rounds: programs then see different disks",
    severity: "warning",
    code: "IMAGE_CORRUPT",
    remedy: "Compare the size with that of the original disk",
    check: ({ footer: { currentBytes, geometryBytes }, diskBytes }) =>
      brokenIf(
        diskBytes !== currentBytes && Math.abs(currentBytes - geometryBytes) > MAX_ROUNDING_BYTES,
        () => `it states ${currentBytes} bytes and a geometry of ${geometryBytes}`,
      ),
  },
  {
    id: "vhd-tables",
    reads: "places of dynamic header and block table, length of the file",
    refuses: "tables outside the file or overlapping each other",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: FETCH,
    check({ tables, fileBytes }) {
      const found = firstOverlap(tables);
      if (found !== undefined) return { found };
      return fileBytes === undefined ? "unseen" : unlessFound(firstOutside(tables, fileBytes));
    },
  },
  {
    id: "vhd-blocks",
    reads: "the block table, as far as it fits the bound on reading",
    refuses: "blocks outside the file, overlapping tables or each other",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: FETCH,
    check({ blocks, dynamic, tables, fileBytes }) {
      if (dynamic === undefined) return "holds";
      if (fileBytes === undefined) return "unseen";
      const bitmapBytes = Math.ceil(dynamic.blockBytes / 512 / 8 / 512) * 512;
      const places = { what: "block", lengthBytes: bitmapBytes + dynamic.blockBytes, offsets: blocks };
      // What is left of the last block may be missing: Virtual PC stops where the disk ends.
      const found = firstPlaceOutside(places, fileBytes, bitmapBytes + 1);
      return unlessFound(
        found ??
          firstPlaceShared(
            places,
            tables.filter(({ what }) => what !== "footer"),
          ),
      );
    },
  },
];

/** What decides how a disk is read; times and flags may differ between a footer and its copy. */
function essence({
  hasMark,
  hasChecksum,
  creator,
  currentBytes,
  geometryBytes,
  diskType,
  dataOffset,
}: VhdFooter): string {
  return JSON.stringify([hasMark, hasChecksum, creator, currentBytes, geometryBytes, diskType, dataOffset]);
}

/** Virtual PC and Hyper-V disks, fixed and dynamic. */
export const vhd = container({
  format: "vhd",
  read: readVhd,
  virtualSizeBytes: ({ diskBytes }) => diskBytes,
  rules: RULES,
});
