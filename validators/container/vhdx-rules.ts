import { isPowerOfTwo } from "./fields.ts";
import { firstOutside, firstOverlap, firstPlaceOutside, firstPlaceShared, type Region } from "./regions.ts";
import { brokenIf, container, type Rule, unlessFound } from "./rule.ts";
import { readVhdx, type Vhdx } from "./vhdx.ts";

const MIB = 1024 * 1024;
/** What stands at fixed places: mark, headers, region tables ([MS-VHDX] 2.2). */
const FIXED_AREA: Region = { what: "headers", offset: 0, length: MIB };
/** 2.6.2.1 and 2.6.2.2. */
const MAX_BLOCK_BYTES = 256 * MIB;
const MAX_DISK_BYTES = 64 * 2 ** 40;

const FETCH = "Fetch the image again; if it is damaged where it came from, export it anew";

const RULES: readonly Rule<Vhdx>[] = [
  {
    id: "vhdx-headers",
    reads: "both headers (64 and 128 KiB) and region tables (192 and 256 KiB)",
    refuses: "no header or region table with a right checksum, another version than 1 with log version 0",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: FETCH,
    check({ isSeen, header, regions }) {
      if (!isSeen) return "unseen";
      if (header === undefined) return { found: "neither of its headers has a right checksum" };
      if (header.version !== 1 || header.logVersion !== 0)
        return {
          found: `it is of version ${header.version} with log version ${header.logVersion}: 1 and 0 are wanted`,
        };
      return brokenIf(
        regions === undefined,
        () => "it has no region table that names block table and metadata",
      );
    },
  },
  {
    id: "vhdx-required",
    reads: "entries of region table and metadata table",
    refuses: "regions or items that a reader must know and nobody defined",
    severity: "error",
    code: "IMAGE_UNSAFE",
    remedy: "Convert it with the program that wrote it",
    check({ unknownRequired, metadata }) {
      const [unknown] = [...unknownRequired, ...(metadata?.unknownRequired ?? [])];
      return brokenIf(unknown !== undefined, () => `it needs a feature that nobody defined: ${unknown}`);
    },
  },
  {
    id: "vhdx-regions",
    reads: "places of log, block table and metadata, length of the file",
    refuses: "regions that are not at whole MiB, overlap, or are outside the file",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: FETCH,
    check({ header, regions, fileBytes }) {
      if (header === undefined || regions === undefined) return "unseen";
      const placed = [header.log, regions.bat, regions.metadata].filter(({ length }) => length > 0);
      const crooked = placed.find(({ offset, length }) => offset % MIB !== 0 || length % MIB !== 0);
      if (crooked !== undefined)
        return {
          found: `its ${crooked.what} at byte ${crooked.offset} (${crooked.length} bytes) is not at whole MiB`,
        };
      const found = firstOverlap([FIXED_AREA, ...placed]);
      if (found !== undefined) return { found };
      return fileBytes === undefined ? "unseen" : unlessFound(firstOutside(placed, fileBytes));
    },
  },
  {
    id: "vhdx-metadata",
    reads: "the metadata table and its items",
    refuses:
      "missing or misplaced items, blocks that are no power of two from 1 to 256 MiB, sectors other than 512 and 4096 bytes, disks beyond 64 TiB",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: FETCH,
    check({ metadata }) {
      if (metadata === undefined) return "unseen";
      const { isValid, blockBytes, sectorBytes, diskBytes } = metadata;
      return brokenIf(
        !isValid ||
          !isPowerOfTwo(blockBytes) ||
          blockBytes < MIB ||
          blockBytes > MAX_BLOCK_BYTES ||
          ![512, 4096].includes(sectorBytes) ||
          diskBytes > MAX_DISK_BYTES,
        () =>
          isValid
            ? `its metadata contradicts itself: blocks of ${blockBytes}, sectors of ${sectorBytes}, a disk of ${diskBytes} bytes`
            : "its metadata table is damaged",
      );
    },
  },
  {
    id: "vhdx-parent",
    reads: "file parameters and parent locator in the metadata",
    refuses: "differencing disks",
    severity: "error",
    code: "IMAGE_UNSAFE",
    remedy: "Merge it with its parent first: Merge-VHD",
    check: ({ metadata }) =>
      metadata === undefined
        ? "unseen"
        : brokenIf(
            metadata.hasParent,
            () => "it is a differencing VHDX, whose data is partly in another file",
          ),
  },
  {
    id: "vhdx-blocks",
    reads: "the block table, as far as it fits the bound on reading",
    refuses:
      "a table too short for the disk, blocks outside the file, in the place of a table, or used twice",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: FETCH,
    check({ header, regions, metadata, blocks, fileBytes }) {
      if (header === undefined || regions === undefined || metadata === undefined) return "unseen";
      if (metadata.batEntryCount * 8 > regions.bat.length) {
        return {
          found: `its block table has ${regions.bat.length} bytes for ${metadata.batEntryCount} entries`,
        };
      }
      const places = { what: "block", lengthBytes: metadata.blockBytes, offsets: blocks };
      const found = firstPlaceShared(places, [FIXED_AREA, header.log, regions.bat, regions.metadata]);
      if (found !== undefined) return { found };
      return fileBytes === undefined ? "unseen" : unlessFound(firstPlaceOutside(places, fileBytes));
    },
  },
  {
    id: "vhdx-log",
    reads: "log GUID of the header that counts",
    refuses:
      "a log that is to be replayed: the machine that wrote it stopped without closing the disk, and without the log its tables are wrong",
    severity: "error",
    code: "IMAGE_CORRUPT",
    remedy: "Shut the machine down properly and export it anew, or replay the log on a copy with --repair",
    check: ({ header }) =>
      header === undefined
        ? "unseen"
        : brokenIf(
            header.hasLog,
            () => "it was not closed properly: its log holds changes that are not in its tables yet",
          ),
  },
];

/** Hyper-V disks of the second kind. */
export const vhdx = container({
  format: "vhdx",
  read: readVhdx,
  virtualSizeBytes: ({ metadata }) => metadata?.diskBytes,
  rules: RULES,
});
