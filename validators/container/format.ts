import { type DiskFormat } from "../../pipeline/disk-format.ts";
import { ImportError } from "../../pipeline/errors.ts";

/** How much of the beginning tells the format: an ISO 9660 descriptor at 32 KiB, VHDX region tables are further on. */
export const FORMAT_HEAD_BYTES = 64 * 1024;
/** The footer that is all a fixed VHD has. */
export const FORMAT_TAIL_BYTES = 512;

export interface DetectedFormat {
  readonly format: DiskFormat;
  /** Guest-visible size, where the beginning or the end tells it. */
  readonly virtualSizeBytes?: number;
}

interface Signature {
  readonly offset: number;
  readonly bytes: string;
  read(head: Buffer): DetectedFormat;
}

/**
 * Formats that carry a mark, with their source. A format that we do not open is listed as well, so that it is refused
 * by name and never taken for raw.
 */
const SIGNATURES: readonly Signature[] = [
  {
    // qemu docs/interop/qcow2.txt, "Header": version at 4, virtual size at 24
    offset: 0,
    bytes: "QFI\xfb",
    read(head) {
      const version = head.readUInt32BE(4);
      if (version === 1) throw refused("qcow version 1", "Convert it with the tool that made it");
      return { format: "qcow2", ...sized(head.readBigUInt64BE(24)) };
    },
  },
  {
    // VMware "Virtual Disk Format 5.0", SparseExtentHeader: capacity in sectors at 12
    offset: 0,
    bytes: "KDMV",
    read: (head) => ({ format: "vmdk", ...sized(head.readBigUInt64LE(12) * 512n) }),
  },
  {
    offset: 0,
    bytes: "# Disk DescriptorFile",
    read: () => {
      throw refused(
        "a VMDK descriptor whose data is in other files",
        "Convert the whole disk to one file first, for example a stream-optimized VMDK",
      );
    },
  },
  {
    offset: 0,
    bytes: "COWD",
    read: () => {
      throw refused("a VMware 3 sparse (COWD) disk", "Export it as a stream-optimized VMDK");
    },
  },
  {
    // Microsoft "Virtual Hard Disk Image Format Specification": a dynamic disk starts with a copy of its footer
    offset: 0,
    bytes: "conectix",
    read: (head) => vhdFooter(head),
  },
  { offset: 0, bytes: "vhdxfile", read: () => ({ format: "vhdx" }) }, // [MS-VHDX] 2.2.1
  {
    // VirtualBox VDICore.h: signature at 64, disk size at 368
    offset: 64,
    bytes: "\x7f\x10\xda\xbe",
    read: (head) => ({ format: "vdi", ...sized(head.readBigUInt64LE(368)) }),
  },
  {
    offset: 0,
    bytes: "QED\0",
    read: () => {
      throw refused("QED, which qemu no longer maintains", "Convert it to qcow2 with qemu-img");
    },
  },
  {
    offset: 0,
    bytes: "LUKS\xba\xbe",
    read: () => {
      throw refused("a LUKS-encrypted container", "Open it with cryptsetup and import the plain disk");
    },
  },
];

/**
 * Tells a disk format by its mark. `head` is the first {@link FORMAT_HEAD_BYTES} (fewer for a smaller file), `tail`
 * the last {@link FORMAT_TAIL_BYTES} where they can be had. What carries no mark is raw; its size is not told here.
 * Throws FORMAT_UNKNOWN for formats that are known and not supported, IMAGE_UNSAFE when two marks are there at once.
 */
export function detectFormat(head: Uint8Array, tail?: Uint8Array): DetectedFormat {
  const bytes = Buffer.alloc(Math.max(head.byteLength, 512));
  bytes.set(head);
  const matches = SIGNATURES.filter(
    ({ offset, bytes: mark }) => bytes.toString("latin1", offset, offset + mark.length) === mark,
  );
  if (matches.length > 1) {
    throw new ImportError(
      "IMAGE_UNSAFE",
      `Cannot tell the format of an image that carries the marks of ${matches.length} formats`,
      { remedy: "Do not use this image: it was made to be read differently by different programs" },
    );
  }
  const match = matches[0];
  if (match !== undefined) return match.read(bytes);
  if (tail !== undefined && Buffer.from(tail).toString("latin1", 0, 8) === "conectix") {
    return vhdFooter(Buffer.from(tail));
  }
  return { format: "raw" };
}

/** Footer: original size at 40, current size at 48, disk type at 60 (2 fixed, 3 dynamic, 4 differencing). */
function vhdFooter(footer: Buffer): DetectedFormat {
  if (footer.readUInt32BE(60) === 4) {
    throw new ImportError(
      "IMAGE_UNSAFE",
      "Cannot import a differencing VHD, whose data is partly in another file",
      {
        remedy: "Merge it with its parent first",
      },
    );
  }
  return { format: "vhd", ...sized(footer.readBigUInt64BE(48)) };
}

function sized(sizeBytes: bigint): { readonly virtualSizeBytes?: number } {
  const value = Number(sizeBytes);
  return Number.isSafeInteger(value) ? { virtualSizeBytes: value } : {};
}

function refused(what: string, remedy: string): ImportError {
  return new ImportError("FORMAT_UNKNOWN", `Cannot import ${what}`, { remedy });
}
