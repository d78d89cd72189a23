import { availableParallelism } from "node:os";
import type { ProgramLimits } from "./sandbox.ts";

/**
 * What every qemu program may use at most. 512 MiB suffice for a convert on 2 cores; every core more may add malloc arenas
 * and threads, which reserve far more than they use (IPA met the same and allows 2 GiB). It opens about 20 files, and
 * qemu-nbd one more a client.
 */
export const QEMU_LIMITS = {
  addressSpaceBytes: 1024 ** 3 + availableParallelism() * 256 * 1024 ** 2,
  openFiles: 256,
} as const satisfies ProgramLimits;
