import { readdirSync } from "node:fs";
import { join } from "node:path";
import { STANDARD_FOLDERS } from "../../programs/find-program.ts";

const FOLDER = join(import.meta.dirname, "..", "..", "fixtures", "programs");

/** A `programPath` on which the fake programs of `fixtures/programs/NAME` come before the real ones. */
export function fakePrograms(name: string): string {
  if (!readdirSync(FOLDER).includes(name))
    throw new Error(`Cannot find fake programs "${name}" in "${FOLDER}"`);
  return `${join(FOLDER, name)}:${STANDARD_FOLDERS}`;
}
