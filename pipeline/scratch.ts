import { mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Scratch, ScratchFile } from "./contract.ts";
import { ImportError } from "./errors.ts";
import { formatBytes } from "./units.ts";

export interface ScratchOptions {
  /** Where the run's own folder is made. Default: the system's folder for temporary files. */
  readonly parentFolder?: string;
  /** Largest sum of reserved bytes. Default: no limit but the file system's free space. */
  readonly limitBytes?: number;
  /** Leaves the folder in place at the end, for looking into a failure. Default false. */
  readonly keep?: boolean;
}

/** Scratch space of one run: a private folder, made on first use and removed when disposed. */
export interface ScratchFolder extends Scratch, AsyncDisposable {
  /** Largest sum of bytes that was reserved at one time. */
  readonly peakBytes: number;
}

/** Reservations are counted before anything is written, so that a run fails before work and not in the middle. */
export function scratchFolder(options: ScratchOptions = {}): ScratchFolder {
  const { parentFolder = tmpdir(), limitBytes = Number.MAX_SAFE_INTEGER, keep = false } = options;
  let folder: Promise<string> | undefined;
  let reservedBytes = 0;
  let peakBytes = 0;
  let fileCount = 0;

  async function make(): Promise<string> {
    try {
      return await mkdtemp(join(parentFolder, "diskferry-"));
    } catch (error) {
      throw new ImportError("SCRATCH_UNWRITABLE", `Cannot make a scratch folder in "${parentFolder}"`, {
        cause: error,
        remedy: "Name a folder that exists and can be written with --scratch-dir",
      });
    }
  }

  /** Counts `addedBytes` more, or throws. */
  async function claim(name: string, addedBytes: number): Promise<string> {
    if (reservedBytes + addedBytes > limitBytes) {
      throw new ImportError(
        "SCRATCH_EXCEEDED",
        `Cannot reserve ${formatBytes(addedBytes)} of scratch for "${name}" as the limit is ${formatBytes(limitBytes)}` +
          (reservedBytes > 0 ? ` and ${formatBytes(reservedBytes)} are in use` : ""),
        { remedy: "Raise --scratch-limit, or choose a destination that can be written without scratch" },
      );
    }
    folder ??= make();
    const path = await folder;
    const { bavail, bsize } = await statfs(path);
    const freeBytes = bavail * bsize;
    if (addedBytes > freeBytes) {
      throw new ImportError(
        "SCRATCH_EXCEEDED",
        `Cannot reserve ${formatBytes(addedBytes)} of scratch for "${name}" as "${parentFolder}" has ${formatBytes(freeBytes)} free`,
        { remedy: "Name a folder on a larger file system with --scratch-dir" },
      );
    }
    reservedBytes += addedBytes;
    peakBytes = Math.max(peakBytes, reservedBytes);
    return path;
  }

  async function reserve(name: string, sizeBytes: number): Promise<ScratchFile> {
    let heldBytes = sizeBytes;
    const path = await claim(name, sizeBytes);
    const file = join(path, `${fileCount++}-${name.replaceAll(/[^\w.-]/g, "_").slice(-64)}`);
    let released = false;
    return {
      path: file,
      async grow(toBytes) {
        if (toBytes <= heldBytes) return;
        await claim(name, toBytes - heldBytes);
        heldBytes = toBytes;
      },
      async [Symbol.asyncDispose]() {
        if (released) return;
        released = true;
        reservedBytes -= heldBytes;
        if (!keep) await rm(file, { force: true });
      },
    };
  }

  return {
    limitBytes,
    get peakBytes() {
      return peakBytes;
    },
    reserve,
    async [Symbol.asyncDispose]() {
      const made = folder;
      folder = undefined;
      if (made === undefined || keep) return;
      const path = await made.catch(() => undefined);
      if (path !== undefined) await rm(path, { recursive: true, force: true });
    },
  };
}
