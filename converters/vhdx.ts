import type { TargetOf } from "../pipeline/disk-format.ts";
import { withTables } from "./limits.ts";
import { qemuConverter } from "./qemu-converter.ts";

/** [MS-VHDX] section 2.6.2.4, and qemu block/vhdx.c, VHDX_MAX_IMAGE_SIZE. */
const MAX_VHDX_BYTES = 64 * 1024 ** 4;

/** Microsoft's newer format. */
export const toVhdx = qemuConverter<TargetOf<"vhdx">>({
  to: "vhdx",
  maxVirtualSizeBytes: MAX_VHDX_BYTES,
  worstCaseBytes: withTables,
  encode: ({ subformat = "dynamic" }) => ({ options: { subformat }, outOfOrder: true }),
});
