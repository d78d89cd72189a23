import { access, constants, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import type { Context } from "../pipeline/contract.ts";
import { ImportError } from "../pipeline/errors.ts";

/** Where programs are on any Linux, also where Debian puts those meant for root. */
export const STANDARD_FOLDERS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What a program is called, and the Debian package that brings it. */
export interface ProgramName {
  readonly program: string;
  readonly debianPackage: string;
}

/**
 * The absolute path of a program, looked for in `context.programPath` (default {@link STANDARD_FOLDERS}); undefined when
 * it is in none of the folders. Relative folders are passed over, so that nothing in the working folder is ever run.
 */
export async function findProgram(
  program: string,
  context: Pick<Context, "programPath">,
): Promise<string | undefined> {
  for (const folder of (context.programPath ?? STANDARD_FOLDERS).split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    const path = join(folder, program);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false; // not in this folder, or not for us
  }
}

/** As {@link findProgram}, but throws PROGRAM_MISSING with the line that installs it. */
export async function requireProgram(
  { program, debianPackage }: ProgramName,
  context: Pick<Context, "programPath">,
): Promise<string> {
  const path = await findProgram(program, context);
  if (path !== undefined) return path;
  throw new ImportError("PROGRAM_MISSING", `Cannot run "${program}" as it is not installed`, {
    remedy: `Install it with: apt-get install ${debianPackage}`,
  });
}
