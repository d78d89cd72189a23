/** The disk formats that are read and written. */
export const FORMAT_NAMES = ["raw", "qcow2", "vmdk", "vhd", "vhdx", "vdi"] as const;

export type DiskFormat = (typeof FORMAT_NAMES)[number];

interface FormatFacts {
  /** The name of qemu's block driver. */
  readonly driver: string;
  /** As file names carry it, without dot. */
  readonly extension: string;
  /** Other spellings that people and programs use. */
  readonly aliases: readonly string[];
}

/** One line a format; `aliases` has qemu's, AWS's and VMware's spellings. */
export const DISK_FORMATS: Readonly<Record<DiskFormat, FormatFacts>> = {
  raw: { driver: "raw", extension: "raw", aliases: ["img"] },
  qcow2: { driver: "qcow2", extension: "qcow2", aliases: ["qcow"] },
  vmdk: { driver: "vmdk", extension: "vmdk", aliases: [] },
  vhd: { driver: "vpc", extension: "vhd", aliases: ["vpc"] },
  vhdx: { driver: "vhdx", extension: "vhdx", aliases: [] },
  vdi: { driver: "vdi", extension: "vdi", aliases: [] },
};

/** Formats with tables of their own that `qemu-img check` can check. */
export const CHECKABLE: readonly DiskFormat[] = ["qcow2", "vmdk", "vhdx", "vdi"];

/** Every disk holds whole sectors of this size: what a guest sees of a raw file that ends between two is padded with zeroes. */
export const SECTOR_BYTES = 512;

/** A format and how it is to be written. What is left out is as qemu-img does it by default. */
export type TargetFormat =
  | { readonly format: "raw" }
  | {
      readonly format: "qcow2";
      /** A power of two from 512 to 2 MiB. Default 64 KiB. */
      readonly clusterSizeBytes?: number;
      /** Compresses every cluster with data. Default: none. zstd needs a reader of 2020 or later (qemu 5.1). */
      readonly compression?: "zlib" | "zstd";
    }
  | {
      readonly format: "vmdk";
      /** `streamOptimized` is compressed and what OVF and AWS want; `monolithicSparse` (default) is for running. */
      readonly subformat?: "monolithicSparse" | "streamOptimized";
    }
  | { readonly format: "vhd"; readonly subformat?: Allocation }
  | { readonly format: "vhdx"; readonly subformat?: Allocation }
  | { readonly format: "vdi"; readonly subformat?: Allocation };

/** `fixed` reserves the whole disk. Default `dynamic`. */
export type Allocation = "dynamic" | "fixed";

/** The options of one format, such as `TargetOf<"qcow2">`. */
export type TargetOf<F extends DiskFormat> = Extract<TargetFormat, { readonly format: F }>;

/** A format as people write it, in any case, with or without leading dot; undefined for anything else. */
export function parseDiskFormat(text: string): DiskFormat | undefined {
  const wanted = text.trim().toLowerCase().replace(/^\./, "");
  return FORMAT_NAMES.find((format) => format === wanted || DISK_FORMATS[format].aliases.includes(wanted));
}

/** The size of the disk that a guest sees of `sizeBytes` bytes: whole sectors. */
export function wholeSectors(sizeBytes: number): number {
  return Math.ceil(sizeBytes / SECTOR_BYTES) * SECTOR_BYTES;
}
