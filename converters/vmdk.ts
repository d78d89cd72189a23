import type { TargetOf } from "../pipeline/disk-format.ts";
import { withTables } from "./limits.ts";
import { qemuConverter } from "./qemu-converter.ts";

/** qemu block/vmdk.c, vmdk_create_extent(): sectors of the extent must fit 32 bits. */
const MAX_VMDK_BYTES = 2 ** 32 * 512;

/** VMware's format, in one file: growing, or stream-optimized as OVF has it. */
export const toVmdk = qemuConverter<TargetOf<"vmdk">>({
  to: "vmdk",
  maxVirtualSizeBytes: MAX_VMDK_BYTES,
  worstCaseBytes: withTables,
  encode: ({ subformat = "monolithicSparse" }) => ({
    options: { subformat },
    outOfOrder: subformat === "monolithicSparse",
  }),
});
