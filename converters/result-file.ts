import { open, stat } from "node:fs/promises";
import { type ErrorCode, ImportError, systemCode } from "../pipeline/errors.ts";

/** Where a conversion writes. */
export interface ResultFile {
  /** Written in place, and never removed. */
  readonly isDevice: boolean;
}

const CODES: Readonly<Record<string, readonly [code: ErrorCode, remedy: string]>> = {
  ENOENT: ["DESTINATION_NOT_FOUND", "Make the folder first or correct the path"],
  ENOTDIR: ["DESTINATION_NOT_FOUND", "Correct the path"],
  EISDIR: ["DESTINATION_FORBIDDEN", "Name a file in the folder"],
  EACCES: ["DESTINATION_FORBIDDEN", "Choose another place or run as a user who may write there"],
  EPERM: ["DESTINATION_FORBIDDEN", "Choose another place or run as a user who may write there"],
  EROFS: ["DESTINATION_FORBIDDEN", "Choose another place or make this one writable"],
  ENOSPC: ["DESTINATION_FULL", "Free some space or choose another file system"],
  EDQUOT: ["DESTINATION_FULL", "Free some space or have the quota raised"],
};

/**
 * Makes sure that `path` can be written before any work is done: qemu-img would say why not in words, no code could be
 * told from. Makes the file if there is none. Throws DESTINATION_NOT_FOUND, DESTINATION_FORBIDDEN, DESTINATION_FULL,
 * DESTINATION_UNAVAILABLE.
 */
export async function resultFile(path: string): Promise<ResultFile> {
  try {
    const isDevice = await stat(path).then(
      (stats) => stats.isBlockDevice(),
      () => false, // not there yet
    );
    const file = await open(path, isDevice ? "r+" : "a");
    await file.close();
    return { isDevice };
  } catch (error) {
    const name = systemCode(error);
    if (name === undefined) throw error;
    const [code, remedy] = CODES[name] ?? ["DESTINATION_UNAVAILABLE", "Look into the system log"];
    throw new ImportError(code, `Cannot write "${path}" as the system reports ${name}`, {
      cause: error,
      remedy,
    });
  }
}
