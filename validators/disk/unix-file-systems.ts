import { type Probe, facts, hasMark, paddedText } from "./probe.ts";
import { uuidText } from "./uuid.ts";

/** Linux Documentation/filesystems/ext4/super.rst: the superblock is at 1024. */
const EXT_AT = 1024;
const HAS_JOURNAL = 0x4;
/** Incompatible and read-only-compatible features that ext3 knows; with any other it is ext4, as blkid decides. */
const EXT3_INCOMPATIBLE = 0x2 | 0x4 | 0x10; // filetype, recover, meta_bg
const EXT3_READ_ONLY = 0x1 | 0x2 | 0x4; // sparse_super, large_file, btree_dir
const JOURNAL_DEVICE = 0x8;
const SIXTY_FOUR_BIT = 0x80;

const ext: Probe = (head) => {
  if (head.readUInt16LE(EXT_AT + 56) !== 0xef53) return undefined;
  const compatible = head.readUInt32LE(EXT_AT + 92);
  const incompatible = head.readUInt32LE(EXT_AT + 96);
  const readOnly = head.readUInt32LE(EXT_AT + 100);
  const blockShift = 10 + head.readUInt32LE(EXT_AT + 24);
  if (blockShift > 16) return undefined;
  const upperBlocks = (incompatible & SIXTY_FOUR_BIT) === 0 ? 0 : head.readUInt32LE(EXT_AT + 336);
  const blockCount = upperBlocks * 2 ** 32 + head.readUInt32LE(EXT_AT + 4);
  const isExt4 = (incompatible & ~EXT3_INCOMPATIBLE) !== 0 || (readOnly & ~EXT3_READ_ONLY) !== 0;
  const type =
    (incompatible & JOURNAL_DEVICE) !== 0
      ? "jbd"
      : isExt4
        ? "ext4"
        : (compatible & HAS_JOURNAL) !== 0
          ? "ext3"
          : "ext2";
  return facts(type, {
    label: paddedText(head, EXT_AT + 120, 16),
    uuid: uuidText(head.subarray(EXT_AT + 104, EXT_AT + 120)),
    sizeBytes: blockCount * 2 ** blockShift,
  });
};

/** "XFS Algorithms & Data Structures", superblock; big-endian. */
const xfs: Probe = (head) => {
  if (!hasMark(head, 0, "XFSB")) return undefined;
  return facts("xfs", {
    label: paddedText(head, 108, 12),
    uuid: uuidText(head.subarray(32, 48)),
    sizeBytes: BigInt(head.readUInt32BE(4)) * head.readBigUInt64BE(8),
  });
};

/** btrfs-dev-docs "On-disk Format", superblock at 64 KiB. */
const BTRFS_AT = 64 * 1024;
const btrfs: Probe = (head) => {
  if (!hasMark(head, BTRFS_AT + 64, "_BHRfS_M")) return undefined;
  return facts("btrfs", {
    label: paddedText(head, BTRFS_AT + 0x12b, 256),
    uuid: uuidText(head.subarray(BTRFS_AT + 32, BTRFS_AT + 48)),
    sizeBytes: head.readBigUInt64LE(BTRFS_AT + 112),
  });
};

/** Linux include/linux/swap.h: the mark ends the first page, whose size is that of the machine. */
const PAGE_SIZES = [4096, 8192, 16_384, 65_536];
const swap: Probe = (head) => {
  const pageBytes = PAGE_SIZES.find((bytes) =>
    ["SWAPSPACE2", "SWAP-SPACE"].some((mark) => hasMark(head, bytes - 10, mark)),
  );
  if (pageBytes === undefined) return undefined;
  const lastPage = head.readUInt32LE(1028);
  return facts("swap", {
    label: paddedText(head, 1052, 16),
    uuid: uuidText(head.subarray(1036, 1052)),
    sizeBytes: (lastPage + 1) * pageBytes,
  });
};

/** Linux fs/squashfs/squashfs_fs.h: little-endian since version 4. */
const squashfs: Probe = (head) =>
  hasMark(head, 0, "hsqs") ? facts("squashfs", { sizeBytes: head.readBigUInt64LE(40) }) : undefined;

/** File systems and swap of Linux. */
export const UNIX_PROBES: readonly Probe[] = [xfs, btrfs, ext, squashfs, swap];
