import type { TargetOf } from "../pipeline/disk-format.ts";
import { withTables } from "./limits.ts";
import { qemuConverter } from "./qemu-converter.ts";

/** qemu block/vdi.c, VDI_DISK_SIZE_MAX: 0x3fffffff blocks of 1 MiB. */
const MAX_VDI_BYTES = 0x3fff_ffff * 1024 ** 2;

/** VirtualBox's format. */
export const toVdi = qemuConverter<TargetOf<"vdi">>({
  to: "vdi",
  maxVirtualSizeBytes: MAX_VDI_BYTES,
  worstCaseBytes: withTables,
  encode: ({ subformat = "dynamic" }) => ({
    options: { static: subformat === "fixed" ? "on" : "off" },
    outOfOrder: true,
  }),
});
