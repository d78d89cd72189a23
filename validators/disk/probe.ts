/** What the first blocks of a volume say. */
export interface FileSystem {
  /** As blkid(8) names it: `ext4`, `xfs`, `ntfs`, `LVM2_member`; FAT by its kind: `FAT32`. */
  readonly type: string;
  readonly label?: string;
  /** As blkid(8) writes it: with dashes, or the serial number of a Windows volume. */
  readonly uuid?: string;
  /** What the file system states for itself; the volume may be larger. */
  readonly sizeBytes?: number;
}

/** Looks for one kind of file system in the first 68 KiB of a volume, which are always all there. */
export type Probe = (head: Buffer) => FileSystem | undefined;

/** Whether `mark` stands at `at`; one byte a character. */
export function hasMark(head: Buffer, at: number, mark: string): boolean {
  return head.toString("latin1", at, at + mark.length) === mark;
}

/** The optional facts of a file system that are there: no empty label, no UUID of zeroes, no unsafe size. */
export function facts(
  type: string,
  found: { readonly label?: string; readonly uuid?: string; readonly sizeBytes?: number | bigint },
): FileSystem {
  const sizeBytes = Number(found.sizeBytes ?? 0);
  return {
    type,
    ...(found.label === undefined || found.label === "" ? {} : { label: found.label }),
    ...(found.uuid === undefined || /^[0-]*$/.test(found.uuid) ? {} : { uuid: found.uuid }),
    ...(Number.isSafeInteger(sizeBytes) && sizeBytes > 0 ? { sizeBytes } : {}),
  };
}

/** A name padded with zero bytes or spaces. */
export function paddedText(
  head: Buffer,
  at: number,
  lengthBytes: number,
  encoding: "utf8" | "latin1" = "utf8",
): string {
  return head
    .toString(encoding, at, at + lengthBytes)
    .replace(/\0.*$/s, "")
    .trimEnd();
}
