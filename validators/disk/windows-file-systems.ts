import { type FileSystem, type Probe, facts, hasMark, paddedText } from "./probe.ts";

/** ntfs-3g include/ntfs-3g/layout.h, NTFS_BOOT_SECTOR; the label is in a file of the volume and not looked for. */
const ntfs: Probe = (head) => {
  if (!hasMark(head, 3, "NTFS    ")) return undefined;
  const serial = head.readBigUInt64LE(72).toString(16).toUpperCase().padStart(16, "0");
  return facts("ntfs", { uuid: serial, sizeBytes: head.readBigUInt64LE(40) * BigInt(head.readUInt16LE(11)) });
};

/** Microsoft "exFAT file system specification" section 3.1; the label is an entry of the root folder. */
const exfat: Probe = (head) => {
  if (!hasMark(head, 3, "EXFAT   ")) return undefined;
  const sectorShift = head.readUInt8(108);
  if (sectorShift < 9 || sectorShift > 12) return undefined;
  return facts("exfat", {
    uuid: serialText(head.readUInt32LE(100)),
    sizeBytes: head.readBigUInt64LE(72) << BigInt(sectorShift),
  });
};

/** libfsrefs "Resilient File System format": the volume header. */
const refs: Probe = (head) =>
  hasMark(head, 3, "ReFS\0\0\0\0")
    ? facts("ReFS", { sizeBytes: head.readBigUInt64LE(24) * BigInt(head.readUInt32LE(32)) })
    : undefined;

/** Largest number of clusters of FAT12 and FAT16: Microsoft "FAT32 File System Specification" 1.03, "FAT Type Determination". */
const FAT12_CLUSTERS = 4084;
const FAT16_CLUSTERS = 65_524;

/**
 * The same specification, "Boot Sector and BPB". FAT has no mark of its own, so every field must hold what the
 * specification allows; the type follows from the number of clusters alone.
 */
const fat: Probe = (head) => {
  const sectorBytes = head.readUInt16LE(11);
  const clusterSectors = head.readUInt8(13);
  const reservedSectors = head.readUInt16LE(14);
  const fatCount = head.readUInt8(16);
  const rootEntries = head.readUInt16LE(17);
  const media = head.readUInt8(21);
  const plausible =
    [512, 1024, 2048, 4096].includes(sectorBytes) &&
    clusterSectors > 0 &&
    (clusterSectors & (clusterSectors - 1)) === 0 &&
    reservedSectors > 0 &&
    (fatCount === 1 || fatCount === 2) &&
    (media === 0xf0 || media >= 0xf8) &&
    (head[0] === 0xe9 || head[0] === 0xeb);
  if (!plausible) return undefined;
  const sectorCount = head.readUInt16LE(19) || head.readUInt32LE(32);
  const fatSectors = head.readUInt16LE(22) || head.readUInt32LE(36);
  const rootSectors = Math.ceil((rootEntries * 32) / sectorBytes);
  const clusters = Math.floor(
    (sectorCount - reservedSectors - fatCount * fatSectors - rootSectors) / clusterSectors,
  );
  if (fatSectors === 0 || clusters <= 0) return undefined;
  const sizeBytes = sectorCount * sectorBytes;
  // The extended fields are further back where FAT32 has inserted its own.
  if (rootEntries === 0) return fatFacts("FAT32", head, 66, sizeBytes);
  return fatFacts(
    clusters <= FAT12_CLUSTERS ? "FAT12" : clusters <= FAT16_CLUSTERS ? "FAT16" : "FAT32",
    head,
    38,
    sizeBytes,
  );
};

function fatFacts(type: string, head: Buffer, extendedAt: number, sizeBytes: number): FileSystem {
  if (head.readUInt8(extendedAt) !== 0x29) return facts(type, { sizeBytes });
  const label = paddedText(head, extendedAt + 5, 11, "latin1");
  return facts(type, {
    label: label === "NO NAME" ? "" : label,
    uuid: serialText(head.readUInt32LE(extendedAt + 1)),
    sizeBytes,
  });
}

/** A serial number as Windows shows it. */
function serialText(serial: number): string {
  const hex = serial.toString(16).toUpperCase().padStart(8, "0");
  return `${hex.slice(0, 4)}-${hex.slice(4)}`;
}

/** File systems of Windows and of memory cards; FAT last. */
export const WINDOWS_PROBES: readonly Probe[] = [ntfs, exfat, refs, fat];
