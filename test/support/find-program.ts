import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Debian puts makers of file systems where only root's PATH looks. */
const EXTRA_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Where `program` is, or undefined. */
export function findProgram(program: string): string | undefined {
  return [...(process.env.PATH ?? "").split(delimiter), ...EXTRA_FOLDERS]
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false; // not in this folder
      }
    });
}
