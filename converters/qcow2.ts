import type { TargetOf } from "../pipeline/disk-format.ts";
import { ImportError } from "../pipeline/errors.ts";
import { MAX_QEMU_BYTES, withTables } from "./limits.ts";
import { qemuConverter } from "./qemu-converter.ts";

/** qemu docs/interop/qcow2.txt, "cluster_bits": at least 9, and qemu reads at most 21. */
const MIN_CLUSTER_BYTES = 512;
const MAX_CLUSTER_BYTES = 2 * 1024 ** 2;

/** QEMU copy on write, version 3; each cluster may be compressed. */
export const toQcow2 = qemuConverter<TargetOf<"qcow2">>({
  to: "qcow2",
  maxVirtualSizeBytes: MAX_QEMU_BYTES,
  worstCaseBytes: withTables,
  encode({ clusterSizeBytes, compression }) {
    if (clusterSizeBytes !== undefined) checkClusterSize(clusterSizeBytes);
    return {
      options: {
        ...(clusterSizeBytes === undefined ? {} : { cluster_size: String(clusterSizeBytes) }),
        ...(compression === undefined ? {} : { compression_type: compression }),
      },
      compress: compression !== undefined,
      outOfOrder: compression === undefined,
    };
  },
});

function checkClusterSize(bytes: number): void {
  if (Number.isInteger(Math.log2(bytes)) && bytes >= MIN_CLUSTER_BYTES && bytes <= MAX_CLUSTER_BYTES) return;
  throw new ImportError(
    "ARGUMENT_INVALID",
    `Cannot write qcow2 with clusters of ${bytes} bytes: a power of two from ${MIN_CLUSTER_BYTES} to ${MAX_CLUSTER_BYTES} is wanted`,
    { remedy: "Leave out the cluster size, or give 65536" },
  );
}
