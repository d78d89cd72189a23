import type { Context } from "../pipeline/contract.ts";
import type { DiskFormat, TargetFormat } from "../pipeline/disk-format.ts";
import type { ImageFile } from "../programs/qemu-node.ts";
import type { ImageCheck } from "../programs/qemu-reports.ts";

/** What is known before a conversion. */
export interface ConversionFacts {
  readonly from: DiskFormat;
  /** Guest-visible, where known. */
  readonly virtualSizeBytes?: number;
  readonly to: TargetFormat;
}

/** Whether a conversion can be done here, and if not, why; `reason` is for people. */
export type Acceptance =
  | { readonly isAccepted: true }
  | {
      readonly isAccepted: false;
      readonly code: "PROGRAM_MISSING" | "PLAN_IMPOSSIBLE";
      readonly reason: string;
      readonly remedy: string;
    };

export interface ConversionRequest<T extends TargetFormat = TargetFormat> {
  readonly from: ImageFile;
  /** A path that may be written: a new file, or one of ours; a block device is written in place. */
  readonly to: { readonly path: string } & T;
}

export interface ConversionResult {
  /** Of source and result alike; see `pipeline/disk-digest.ts`. */
  readonly diskDigest: string;
  readonly virtualSizeBytes: number;
  /** Zero bytes that were added to fill the last sector of a raw source. */
  readonly paddingBytes: number;
  /** Length of the result's file. */
  readonly resultBytes: number;
  /** Absent for formats without tables to check. */
  readonly check?: ImageCheck;
}

/** How qemu-img writes one target. */
export interface QemuEncoding {
  /** Creation options; as `qemu-img -o` takes them. */
  readonly options?: Readonly<Record<string, string>>;
  readonly compress?: boolean;
  /** Whether clusters may be written as they come; not where a cluster's place depends on the size of those before it. */
  readonly outOfOrder: boolean;
}

/** Writes one disk format. */
export interface Converter<T extends TargetFormat = TargetFormat> {
  readonly to: T["format"];
  /** Never throws; a missing program makes it false. */
  accepts(facts: ConversionFacts, context: Context): Promise<Acceptance>;
  /** Bytes of the result if every sector has data, tables included: known before anything is opened. */
  worstCaseBytes(virtualSizeBytes: number): number;
  /**
   * Upper bound of the bytes that the result takes: what to reserve where it must be made in scratch. Exact figures of
   * `qemu-img measure` where it has them, else the format's worst case. Throws as `convert` does when it looks into the image.
   */
  requiredScratchBytes(request: ConversionRequest<T>, context: Context): Promise<number>;
  /**
   * Converts, checks the result's own tables and proves that it holds the same disk, while the source stays as it is.
   * Removes what is half written in every ending but success; does not make the result durable. Throws as
   * `openableImage`, and PLAN_IMPOSSIBLE for a disk that the format cannot hold, SOURCE_CHANGED, DESTINATION_FULL,
   * DESTINATION_FORBIDDEN, DESTINATION_NOT_FOUND, IMAGE_CORRUPT (of the result), DIGEST_MISMATCH, PROGRAM_TIMED_OUT.
   */
  convert(request: ConversionRequest<T>, context: Context): Promise<ConversionResult>;
}
