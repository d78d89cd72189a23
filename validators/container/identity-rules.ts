import { formatBytes } from "../../pipeline/units.ts";
import type { DiskFormat } from "../../pipeline/disk-format.ts";
import { type Mark, markName } from "./marks.ts";
import { brokenIf, type Rule } from "./rule.ts";

/** What was found out about an image before its own structures are read, and after. */
export interface Identity {
  readonly marks: readonly Mark[];
  /** Whether it has a partition table of its own and so is a disk as it stands. */
  readonly hasPartitions: boolean;
  readonly declared: DiskFormat | undefined;
  /** Whether a raw disk may carry the mark of another format. */
  readonly allowsNested: boolean;
  readonly virtualSizeBytes: number | undefined;
}

const DECEPTION = "Do not use this image: it was made to be read differently by different programs";

/** Rules about what the image is. They come first: what it says of itself counts only when this is clear. */
export const IDENTITY_RULES: readonly Rule<Identity>[] = [
  {
    id: "one-format",
    reads: "first 36 KiB and last 512 bytes, for the marks of all formats at once",
    refuses:
      "marks of more than one format, or of a disk format on a disk with partitions: a file that is two things at once",
    severity: "error",
    code: "IMAGE_UNSAFE",
    remedy: DECEPTION,
    check: ({ marks, hasPartitions, allowsNested, declared }) =>
      brokenIf(
        !isTakenAsRaw(allowsNested, declared) &&
          (marks.length > 1 || (hasPartitions && marks.some(isNeverADisk))),
        () =>
          `it carries the marks of ${[...marks.map(markName), ...(hasPartitions ? ["a partition table"] : [])].join(" and ")}`,
      ),
  },
  {
    id: "declared-format",
    reads: "first 36 KiB and last 512 bytes, and the format that was declared",
    refuses:
      "another format than was declared, also a raw disk that starts like a disk image (CVE-2024-32498, CVE-2010-3851)",
    severity: "error",
    code: "FORMAT_MISMATCH",
    remedy:
      "Leave the declared format out, or, if this is a raw disk with an image inside on purpose, add --allow-nested",
    check({ marks, declared, allowsNested }) {
      if (declared === undefined || isTakenAsRaw(allowsNested, declared)) return "holds";
      const [mark] = marks;
      const found = mark === undefined ? "raw" : markName(mark);
      return brokenIf(
        found !== declared,
        () => `it was declared ${declared} and carries the mark of ${found}`,
      );
    },
  },
  {
    id: "known-format",
    reads: "first 36 KiB and last 512 bytes",
    refuses:
      "formats that are known and not opened: qcow 1, QED, COWD, VMDK descriptors, LUKS, ISO 9660, DMG, Parallels, Bochs, cloop, archives",
    severity: "error",
    code: "FORMAT_UNKNOWN",
    remedy: "Convert it to raw, qcow2 or a stream-optimized VMDK first",
    check({ marks, allowsNested, declared }) {
      const refused = marks.find(({ kind }) => kind !== "disk");
      return brokenIf(
        refused !== undefined && !isTakenAsRaw(allowsNested, declared),
        () => `it is ${refused === undefined ? "" : markName(refused)}`,
      );
    },
  },
  {
    id: "disk-size",
    reads: "the disk size that the structures of the format state",
    refuses: "a disk beyond the limit (--max-size), however small its file (CVE-2013-2096)",
    severity: "error",
    code: "SIZE_EXCEEDED",
    remedy: "Raise the limit with --max-size, if you trust who made the image",
    check: ({ virtualSizeBytes }, { maxImageBytes }) =>
      virtualSizeBytes === undefined
        ? "unseen"
        : brokenIf(
            virtualSizeBytes > maxImageBytes,
            () =>
              `its disk has ${formatBytes(virtualSizeBytes)}: at most ${formatBytes(maxImageBytes)} are allowed`,
          ),
  },
];

function isTakenAsRaw(allowsNested: boolean, declared: DiskFormat | undefined): boolean {
  return allowsNested && declared === "raw";
}

/** A fixed VHD is a disk with a footer, and media and encrypted volumes live behind boot sectors; the others do not. */
function isNeverADisk(mark: Mark): boolean {
  return mark.kind === "disk" && mark.format !== "vhd";
}
