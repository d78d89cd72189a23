import type { TargetOf } from "../pipeline/disk-format.ts";
import { MAX_QEMU_BYTES } from "./limits.ts";
import { qemuConverter } from "./qemu-converter.ts";

/** The disk byte for byte, with holes where it is zero. */
export const toRaw = qemuConverter<TargetOf<"raw">>({
  to: "raw",
  maxVirtualSizeBytes: MAX_QEMU_BYTES,
  worstCaseBytes: (virtualSizeBytes) => virtualSizeBytes,
  encode: () => ({ outOfOrder: true }),
});
