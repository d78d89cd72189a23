import { padded } from "./fields.ts";
import type { ImageView } from "./image-view.ts";
import { brokenIf, container, type Rule } from "./rule.ts";

const SECTOR = 512;
const ENTRIES_AT = 446;
const ENTRY_BYTES = 16;
const GPT_PROTECTIVE = 0xee;

/** What the first two sectors of a disk say. */
interface Raw {
  readonly fileBytes: number | undefined;
  /** Types of the entries of the MBR that are used; undefined without MBR. */
  readonly mbrTypes: readonly number[] | undefined;
  /** Whether a GPT header stands in sector 1, of 512 or of 4096 bytes. */
  readonly hasGpt: boolean;
}

function readRaw({ head, sizeBytes }: ImageView): Promise<Raw> {
  const bytes = padded(head, 4096 + SECTOR);
  const hasMbr = bytes.readUInt16LE(510) === 0xaa55;
  const types = [0, 1, 2, 3].map((index) => bytes.readUInt8(ENTRIES_AT + index * ENTRY_BYTES + 4));
  return Promise.resolve({
    fileBytes: sizeBytes,
    mbrTypes: hasMbr ? types.filter((type) => type !== 0) : undefined,
    hasGpt: [SECTOR, 4096].some((at) => bytes.toString("latin1", at, at + 8) === "EFI PART"),
  });
}

const RULES: readonly Rule<Raw>[] = [
  {
    id: "raw-hybrid-mbr",
    reads: "MBR in sector 0, GPT header in sector 1",
    refuses:
      "a hybrid MBR: programs that read the one table see other partitions than those that read the other",
    severity: "warning",
    code: "IMAGE_UNSAFE",
    remedy: "Look at the partitions with: diskferry inspect",
    check: ({ mbrTypes, hasGpt }) =>
      brokenIf(
        hasGpt && mbrTypes !== undefined && mbrTypes.some((type) => type !== GPT_PROTECTIVE),
        () => "its GPT stands behind an MBR that names partitions of its own",
      ),
  },
  {
    id: "raw-protective-mbr",
    reads: "MBR in sector 0, GPT header in sector 1",
    refuses: "a protective MBR without GPT, and a GPT without MBR: the guest may see no partitions",
    severity: "warning",
    code: "IMAGE_CORRUPT",
    remedy: "Look at the partitions with: diskferry inspect",
    check: ({ mbrTypes, hasGpt }) =>
      brokenIf(hasGpt ? mbrTypes === undefined : (mbrTypes?.includes(GPT_PROTECTIVE) ?? false), () =>
        hasGpt ? "its GPT has no MBR in front" : "its MBR protects a GPT that is not there",
      ),
  },
];

/** Disks as the guest sees them, byte for byte. */
export const raw = container({
  format: "raw",
  read: readRaw,
  virtualSizeBytes: ({ fileBytes }) => fileBytes,
  rules: RULES,
});
