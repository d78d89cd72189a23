import type { TargetOf } from "../pipeline/disk-format.ts";
import { withTables } from "./limits.ts";
import { qemuConverter } from "./qemu-converter.ts";

/** 2040 GiB: what Hyper-V accepts, and qemu with it (block/vpc.c, VHD_MAX_SECTORS is 0xff000000). */
const MAX_VHD_BYTES = 0xff00_0000 * 512;

/**
 * Microsoft's older format. `force_size` keeps the exact size; without it qemu rounds up to a whole CHS geometry, and the
 * guest's backup GPT is no longer at the end of the disk.
 */
export const toVhd = qemuConverter<TargetOf<"vhd">>({
  to: "vhd",
  maxVirtualSizeBytes: MAX_VHD_BYTES,
  worstCaseBytes: withTables,
  encode: ({ subformat = "dynamic" }) => ({
    options: { subformat, force_size: "on" },
    outOfOrder: true,
  }),
});
