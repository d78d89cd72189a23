import { availableParallelism } from "node:os";
import type { ProgramLimits } from "./sandbox.ts";

/**
 * What every qemu program may use at most. What counts is address space, of which it reserves far more than it uses: 64
 * threads for file access with stacks of 8 MiB each for every image that it opens (a compare opens two), malloc arenas,
 * and libraries (IPA allows 2 GiB; a compare of two sparse disks did not start all its threads with 1.5 GiB). It opens
 * about 20 files, and qemu-nbd one more a client.
 */
export const QEMU_LIMITS = {
  addressSpaceBytes: 3 * 1024 ** 3 + availableParallelism() * 256 * 1024 ** 2,
  openFiles: 256,
} as const satisfies ProgramLimits;
