import { type ErrorCode, ImportError, systemCode } from "../../pipeline/errors.ts";

const CODES: Readonly<Record<string, readonly [code: ErrorCode, why: string, remedy: string]>> = {
  ENOSPC: ["DESTINATION_FULL", "the file system is full", "Free some space or choose another file system"],
  EDQUOT: ["DESTINATION_FULL", "the disk quota is used up", "Free some space or have the quota raised"],
  EFBIG: [
    "DESTINATION_FULL",
    "the file system or the limit on file sizes allows no larger file",
    "Choose another file system or raise the limit (ulimit -f)",
  ],
  EROFS: ["DESTINATION_FORBIDDEN", "it is read-only", "Choose another place or make this one writable"],
  EACCES: [
    "DESTINATION_FORBIDDEN",
    "access is denied",
    "Choose another place or run as a user who may write there",
  ],
  EPERM: [
    "DESTINATION_FORBIDDEN",
    "access is denied",
    "Choose another place or run as a user who may write there",
  ],
  EBUSY: ["DESTINATION_FORBIDDEN", "it is mounted or in use", "Unmount it, and stop what uses it"],
  ETXTBSY: ["DESTINATION_FORBIDDEN", "it is in use", "Stop what uses it"],
  ENOENT: ["DESTINATION_NOT_FOUND", "the folder does not exist", "Make the folder first or correct the path"],
  ENOTDIR: ["DESTINATION_NOT_FOUND", "a part of the path is no folder", "Correct the path"],
  ENAMETOOLONG: ["DESTINATION_NOT_FOUND", "the name is too long", "Choose a shorter name"],
  EPIPE: [
    "DESTINATION_UNAVAILABLE",
    "its reader went away",
    "Look why the program that reads the output ended",
  ],
};

/** What a system error of writing to `name` means; errors that are ours, or of the programming, stay as they are. */
export function writeError(error: unknown, name: string): unknown {
  const systemError = systemCode(error);
  if (systemError === undefined || error instanceof ImportError) return error;
  if (systemError.startsWith("ERR_") && !systemError.startsWith("ERR_STREAM_")) return error;
  const [code, why, remedy] = CODES[systemError] ?? [
    "DESTINATION_UNAVAILABLE",
    `the system reports ${systemError}`,
    "Look into the system log for errors of the disk",
  ];
  return new ImportError(code, `Cannot write "${name}" as ${why}`, { cause: error, remedy });
}

/** Runs `attempt` and throws its system errors as {@link writeError} translates them. */
export async function writing<T>(name: string, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    throw writeError(error, name);
  }
}
