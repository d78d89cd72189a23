import type { Context } from "../pipeline/contract.ts";
import type { DiskFormat, TargetOf } from "../pipeline/disk-format.ts";
import type { ConversionRequest, ConversionResult, Converter } from "./converter.ts";
import { toQcow2 } from "./qcow2.ts";
import { toRaw } from "./raw.ts";
import { toVdi } from "./vdi.ts";
import { toVhd } from "./vhd.ts";
import { toVhdx } from "./vhdx.ts";
import { toVmdk } from "./vmdk.ts";

/** Every target, by its format. */
export const CONVERTERS = {
  raw: toRaw,
  qcow2: toQcow2,
  vmdk: toVmdk,
  vhd: toVhd,
  vhdx: toVhdx,
  vdi: toVdi,
} as const satisfies { readonly [F in DiskFormat]: Converter<TargetOf<F>> };

/** The same for callers that do not know the format while they are written; the request's format chooses. */
export const converterFor = (format: DiskFormat): Converter => BY_FORMAT[format];

const BY_FORMAT: { readonly [F in DiskFormat]: Converter } = CONVERTERS;

/** Converts a local image; see {@link Converter.convert}. */
export async function convertDisk(request: ConversionRequest, context: Context): Promise<ConversionResult> {
  return await converterFor(request.to.format).convert(request, context);
}
