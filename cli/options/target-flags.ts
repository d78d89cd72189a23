import { type Command, Option } from "commander";
import { defined } from "../../pipeline/defined.ts";
import { type DiskFormat, parseDiskFormat, type TargetFormat } from "../../pipeline/disk-format.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { type Location, locationExtension } from "../../worker/location.ts";
import type { TargetOptions } from "../../worker/target.ts";
import { formatValue, sizeValue } from "./values.ts";

const SUBFORMATS = ["monolithicSparse", "streamOptimized", "dynamic", "fixed"] as const;
const COMPRESSIONS = ["zlib", "zstd"] as const;

type Subformat = (typeof SUBFORMATS)[number];
type CompressionName = (typeof COMPRESSIONS)[number];

/** How a result is to be written. */
export interface TargetFlags {
  readonly to?: DiskFormat;
  readonly subformat?: Subformat;
  readonly clusterSize?: number;
  /** `true` for the flag without a name. */
  readonly compress?: CompressionName | true;
  readonly force?: boolean;
}

export function addTargetFlags(command: Command): void {
  command
    .optionsGroup("Destination:")
    .option(
      "--to <format>",
      "disk format of the result (default: by the extension of the destination)",
      formatValue,
    )
    .addOption(
      new Option("--compress [method]", "compress the result: qcow2, or a stream-optimized VMDK").choices(
        COMPRESSIONS,
      ),
    )
    .addOption(new Option("--subformat <name>", "variant of a VMDK, VHD, VHDX or VDI").choices(SUBFORMATS))
    .option("--cluster-size <size>", "cluster size of a qcow2 (default: 64k)", sizeValue)
    .option("-f, --force", "replace what is at the destination");
}

/** Throws ARGUMENT_INVALID for flags that the format does not have. */
export function parseTargetFlags(flags: TargetFlags, location: Location): TargetOptions {
  const format = flags.to ?? parseDiskFormat(locationExtension(location));
  const isPlain =
    flags.subformat === undefined && flags.clusterSize === undefined && flags.compress === undefined;
  const overwrite = flags.force === true;
  if (flags.to === undefined && isPlain) return { overwrite };
  if (format === undefined) {
    throw new ImportError(
      "ARGUMENT_INVALID",
      "Cannot tell which format the flags of the destination are for",
      {
        remedy: "Say the format with --to",
      },
    );
  }
  return { overwrite, to: targetFormat(format, flags) };
}

/** The flags that a format has; whatever else is given is refused. */
function targetFormat(format: DiskFormat, flags: TargetFlags): TargetFormat {
  const { subformat, clusterSize, compress } = flags;
  const refused = (flag: string) =>
    new ImportError("ARGUMENT_INVALID", `Cannot use ${flag} with ${format}`, {
      remedy: "Leave it out, or choose another format with --to",
    });
  if (clusterSize !== undefined && format !== "qcow2") throw refused("--cluster-size");
  if (format === "qcow2") {
    if (subformat !== undefined) throw refused(`--subformat ${subformat}`);
    const compression = compress === true ? "zlib" : compress;
    return { format, ...defined({ clusterSizeBytes: clusterSize, compression }) };
  }
  if (format === "vmdk") {
    if (subformat === "dynamic" || subformat === "fixed") throw refused(`--subformat ${subformat}`);
    if (compress === "zstd") throw refused("--compress zstd");
    if (compress === undefined) return { format, ...defined({ subformat }) };
    if (subformat === "monolithicSparse") throw refused("--compress and --subformat monolithicSparse");
    return { format, subformat: "streamOptimized" };
  }
  if (compress !== undefined) throw refused("--compress");
  if (subformat === undefined) return { format };
  if (format === "raw" || subformat === "monolithicSparse" || subformat === "streamOptimized") {
    throw refused(`--subformat ${subformat}`);
  }
  return { format, subformat };
}
