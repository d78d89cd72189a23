import type { DiskFormat } from "../../pipeline/disk-format.ts";
import type { ImageView } from "./image-view.ts";

/** Something that a file is by the bytes at its beginning or end. */
export type Mark =
  | { readonly kind: "disk"; readonly format: DiskFormat }
  /** Something around an image that is taken off. */
  | { readonly kind: "layer"; readonly name: string }
  /** Known, and refused by name instead of being taken for a raw disk. */
  | { readonly kind: "refused"; readonly name: string; readonly remedy: string };

interface Signature {
  readonly mark: Mark;
  readonly matches: (head: Buffer, tail: Buffer | undefined) => boolean;
}

/** Every format that is told from others, with the source of its mark. */
const SIGNATURES: readonly Signature[] = [
  // qemu docs/interop/qcow2.txt; docs/qcow-spec of version 1, whose encryption and backing file nobody needs any more
  {
    mark: { kind: "disk", format: "qcow2" },
    matches: (head) => startsWith(head, "QFI\xfb") && !startsWith(head, "QFI\xfb\0\0\0\x01"),
  },
  refused("QFI\xfb\0\0\0\x01", "qcow version 1", "Convert it with the tool that made it"),
  disk("vmdk", "KDMV"), // VMware "Virtual Disk Format 5.0", SparseExtentHeader
  refused("COWD", "a VMware 3 sparse (COWD) disk", "Export it as a stream-optimized VMDK"),
  {
    mark: {
      kind: "refused",
      name: "a VMDK descriptor whose data is in other files",
      remedy: "Convert the whole disk to one file first, for example a stream-optimized VMDK",
    },
    matches: isVmdkDescriptor,
  },
  {
    // Microsoft "Virtual Hard Disk Image Format Specification": a dynamic disk starts with a copy of its footer
    mark: { kind: "disk", format: "vhd" },
    matches: (head, tail) =>
      startsWith(head, "conectix") || (tail !== undefined && startsWith(tail, "conectix")),
  },
  disk("vhdx", "vhdxfile"), // [MS-VHDX] 2.2.1
  disk("vdi", "\x7f\x10\xda\xbe", 64), // VirtualBox VDICore.h
  refused("QED\0", "QED, which qemu no longer maintains", "Convert it to qcow2 with qemu-img"),
  refused(
    "LUKS\xba\xbe",
    "a LUKS-encrypted container",
    "Open it with cryptsetup and import the plain disk, or import it as it is with --from raw --allow-nested",
  ),
  refused(
    "\x01CD001",
    "an ISO 9660 image, which is a medium and no disk",
    "Install from it first, or import it as it is with --from raw --allow-nested",
    0x8000, // ECMA-119 8.4: primary volume descriptor in sector 16
  ),
  refused("WithoutFreeSpace", "a Parallels disk", "Convert it to qcow2 with qemu-img"),
  refused("WithouFreSpacExt", "a Parallels disk", "Convert it to qcow2 with qemu-img"),
  refused("Bochs Virtual HD Image", "a Bochs disk", "Convert it to raw with bximage"),
  refused(
    "#!/bin/sh\n#V2.0 Format\nmodprobe cloop",
    "a compressed loop (cloop) image",
    "Unpack it with extract_compressed_fs",
  ),
  {
    mark: { kind: "refused", name: "an Apple disk image (DMG)", remedy: "Convert it with hdiutil" },
    matches: (_head, tail) => tail !== undefined && startsWith(tail, "koly"), // the trailer of UDIF
  },
  refused("PK\x03\x04", "a zip archive", "Unpack it and import the disk image that is in it"),
  refused("7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it and import the disk image that is in it"),
  layer("gzip", "\x1f\x8b\x08"), // RFC 1952
  layer("xz", "\xfd7zXZ\0"), // The .xz File Format 2.1.1
  layer("zstd", "\x28\xb5\x2f\xfd"), // RFC 8878
  {
    mark: { kind: "layer", name: "bzip2" },
    matches: (head) =>
      /^BZh[1-9]$/.test(head.toString("latin1", 0, 4)) &&
      ["1AY&SY", "\x17rE8P\x90"].some((block) => startsWith(head, block, 4)), // of a block, of an empty stream
  },
  layer("tar", "ustar", 257), // POSIX pax, "ustar Interchange Format"
];

/** All marks of an image, each once. None: it is a raw disk. */
export function findMarks({ head, tail }: Pick<ImageView, "head" | "tail">): readonly Mark[] {
  return SIGNATURES.filter(({ matches }) => matches(head, tail)).map(({ mark }) => mark);
}

/** As people call it. */
export function markName(mark: Mark): string {
  return mark.kind === "disk" ? mark.format : mark.name;
}

function startsWith(bytes: Buffer, text: string, at = 0): boolean {
  return bytes.toString("latin1", at, at + text.length) === text;
}

function disk(format: DiskFormat, text: string, at = 0): Signature {
  return { mark: { kind: "disk", format }, matches: (head) => startsWith(head, text, at) };
}

function refused(text: string, name: string, remedy: string, at = 0): Signature {
  return { mark: { kind: "refused", name, remedy }, matches: (head) => startsWith(head, text, at) };
}

function layer(name: string, text: string, at = 0): Signature {
  return { mark: { kind: "layer", name }, matches: (head) => startsWith(head, text, at) };
}

/** As qemu's vmdk_probe (block/vmdk.c): the first line that is no comment and not empty gives the version. */
function isVmdkDescriptor(head: Buffer): boolean {
  const text = head.toString("latin1", 0, 2048);
  return /^# Disk DescriptorFile/i.test(text) || /^(?:#[^\n]*\n|[ \r]*\n)*version=[1-3]\r?\n/.test(text);
}
