import { ImportError } from "../../pipeline/errors.ts";

/** Names put into a message; a person looks for the right one among them. */
const MAX_LISTED_NAMES = 20;

/** For a tar that holds no file `wanted`, or not exactly one where none is named. */
export function memberNotFound(wanted: string | undefined, names: readonly string[]): ImportError {
  const listed = names.slice(0, MAX_LISTED_NAMES).map((name) => `"${name}"`);
  if (names.length > MAX_LISTED_NAMES) listed.push(`${names.length - MAX_LISTED_NAMES} more`);
  const found = names.length === 0 ? "it holds no file" : `it holds ${listed.join(", ")}`;
  return new ImportError(
    "MEMBER_NOT_FOUND",
    wanted === undefined
      ? `Cannot take the only file out of the tar archive as ${found}`
      : `Cannot take "${wanted}" out of the tar archive as ${found}`,
    {
      step: "untar",
      remedy: names.length === 0 ? "Name an archive that holds an image" : "Name one of these files",
    },
  );
}
