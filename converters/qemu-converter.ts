import type { Context } from "../pipeline/contract.ts";
import type { DiskFormat, TargetFormat } from "../pipeline/disk-format.ts";
import { ImportError } from "../pipeline/errors.ts";
import { formatBytes } from "../pipeline/units.ts";
import { findProgram } from "../programs/find-program.ts";
import { QEMU_IMG, qemuImg } from "../programs/qemu-img.ts";
import { QEMU_NBD } from "../programs/qemu-nbd.ts";
import { convertVerified } from "./convert-verified.ts";
import type { Acceptance, ConversionFacts, ConversionRequest, Converter, QemuEncoding } from "./converter.ts";
import { intactImage } from "./intact-image.ts";
import { openableImage } from "./source-image.ts";

export interface QemuConverterOptions<T extends TargetFormat> {
  readonly to: T["format"];
  /** Largest disk that the format, or qemu's writer of it, can hold. */
  readonly maxVirtualSizeBytes: number;
  /** Bytes of the result if every sector has data, tables included. */
  readonly worstCaseBytes: (virtualSizeBytes: number) => number;
  /** Throws ARGUMENT_INVALID for options that the format does not have. */
  readonly encode: (target: T) => QemuEncoding;
}

/** Programs that every conversion needs: one to convert, one to read both disks for their digests. */
const NEEDED = [QEMU_IMG, QEMU_NBD];

/** A converter that lets qemu-img write. */
export function qemuConverter<T extends TargetFormat>(options: QemuConverterOptions<T>): Converter<T> {
  const { to, maxVirtualSizeBytes, worstCaseBytes, encode } = options;

  function refusal(virtualSizeBytes: number | undefined): string | undefined {
    if (virtualSizeBytes === undefined || virtualSizeBytes <= maxVirtualSizeBytes) return undefined;
    return `a ${to} image holds at most ${formatBytes(maxVirtualSizeBytes)} and the disk has ${formatBytes(virtualSizeBytes)}`;
  }

  return {
    to,
    worstCaseBytes,
    async accepts({ virtualSizeBytes }: ConversionFacts, context: Context): Promise<Acceptance> {
      const reason = refusal(virtualSizeBytes);
      if (reason !== undefined) {
        return { isAccepted: false, code: "PLAN_IMPOSSIBLE", reason, remedy: LARGER_FORMAT };
      }
      for (const { program, debianPackage } of NEEDED) {
        if ((await findProgram(program, context)) !== undefined) continue;
        return {
          isAccepted: false,
          code: "PROGRAM_MISSING",
          reason: `"${program}" is not installed`,
          remedy: `Install it with: apt-get install ${debianPackage}`,
        };
      }
      return { isAccepted: true };
    },
    async requiredScratchBytes({ from, to: target }, context) {
      const { virtualSizeBytes } = await openableImage(from, context);
      const { compress = false, options: creation } = encode(target);
      const measured = MEASURABLE.find((format) => format === to);
      if (measured === undefined || compress) return worstCaseBytes(virtualSizeBytes);
      const spec = { format: measured, ...(creation === undefined ? {} : { options: creation }) };
      return (await qemuImg.measure(from, spec, context)).requiredBytes;
    },
    async convert({ from, to: target }: ConversionRequest<T>, context: Context) {
      const encoding = encode(target);
      const info = await intactImage(from, context);
      const reason = refusal(info.virtualSizeBytes);
      if (reason !== undefined) {
        throw new ImportError("PLAN_IMPOSSIBLE", `Cannot convert "${from.path}" as ${reason}`, {
          remedy: LARGER_FORMAT,
        });
      }
      return await convertVerified({ from, to: { path: target.path, format: to }, encoding, info }, context);
    },
  };
}

/** Targets whose size `qemu-img measure` can tell. */
const MEASURABLE = ["raw", "qcow2"] as const satisfies readonly DiskFormat[];

const LARGER_FORMAT = "Choose a format for larger disks, such as qcow2";
