import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** The top folder of the repository. */
export const ROOT = join(import.meta.dirname, "..", "..");

/** A file of the repository; `path` is relative to its top, with `/`. */
export interface RepositoryFile {
  readonly path: string;
  readonly text: string;
}

/** Every text file that git knows or would add, so that what is new is looked at before it is committed. */
export async function repositoryFiles(...patterns: readonly string[]): Promise<readonly RepositoryFile[]> {
  const { stdout } = await promisify(execFile)(
    "git",
    ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ...patterns],
    { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 },
  );
  const paths = stdout.split("\0").filter((path) => path !== "" && existsSync(join(ROOT, path)));
  const files = await Promise.all(
    [...new Set(paths)].map(async (path) => ({ path, text: await readFile(join(ROOT, path), "utf8") })),
  );
  return files.filter(({ text }) => !text.includes("\0"));
}
