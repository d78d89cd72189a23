import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ConditionalTest, requiresThat, skipped } from "./requires.ts";

/** The folder `shared` beside the repository: specifications and real images made by other people's software. */
const SHARED = join(import.meta.dirname, "..", "..", "..", "shared");

/** The path of a file in the shared folder, or undefined where the folder or the file is missing. */
export function sharedPath(relative: string): string | undefined {
  const path = join(SHARED, relative);
  return existsSync(path) ? path : undefined;
}

/** As {@link sharedPath}, for a file under its `data/`; throws where it is missing. Guard with {@link requiresShared}. */
export function sharedFile(name: string): string {
  const path = sharedPath(join("data", name));
  if (path === undefined) throw new Error(`Cannot find "${name}" in the shared folder "${SHARED}"`);
  return path;
}

/**
 * `test` for what reads the shared folder. A stranger's clone has none and no way to get one, so without the folder these
 * tests are skipped by name, in CI too; where the folder is, a file that is missing from it fails in CI.
 */
export function requiresShared(...names: readonly string[]): ConditionalTest {
  if (!existsSync(SHARED)) return skipped("needs the shared folder");
  const missing = names.filter((name) => sharedPath(join("data", name)) === undefined);
  return requiresThat(missing.length === 0 ? undefined : `needs shared data ${missing.join(", ")}`);
}
