import type { Bytes, Context, Stage } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { formatBytes } from "../../pipeline/units.ts";
import { byteReader } from "../byte-reader.ts";
import { drainArchive, memberBytes, passMember, tarReader } from "../tar/reader.ts";

export { isTar } from "../tar/header.ts";

export interface UntarOptions {
  /** Path of the file to take out. Default: the only file there is. */
  readonly member?: string;
}

/** Names put into a message; a person looks for the right one among them. */
const MAX_LISTED_NAMES = 20;

/**
 * Takes one file out of a tar archive and reads the archive to its end, so that digests on either side see all of it.
 * Holes of sparse members come as shared zero chunks. Without `member` a second file is an error, which shows only after
 * the first one has been passed on. Pulls nothing ahead.
 * Throws MEMBER_NOT_FOUND (naming what there is), SIZE_EXCEEDED, TRAILING_DATA, ARCHIVE_INVALID, ARCHIVE_UNSAFE.
 */
export function untar(options: UntarOptions = {}): Stage {
  const wanted = options.member?.replace(/^(\.\/)+/, "");
  return { name: "untar", transform: (input, context) => untarStream(input, wanted, context) };
}

async function* untarStream(input: Bytes, wanted: string | undefined, context: Context): Bytes {
  const reader = byteReader(input);
  const archive = tarReader(reader);
  const names: string[] = [];
  let takenCount = 0;
  try {
    for (let member = await archive.next(); member !== undefined; member = await archive.next()) {
      names.push(member.name);
      const isWanted = takenCount === 0 && (wanted === undefined || member.name === wanted);
      if (isWanted) {
        takenCount++;
        if (member.sizeBytes > context.limits.maxImageBytes)
          throw tooLarge(member.name, member.sizeBytes, context);
        yield* memberBytes(member, reader);
      }
      await passMember(member, isWanted ? 0 : member.storedBytes, reader);
    }
    await drainArchive(reader);
  } finally {
    await reader.close();
  }
  if (takenCount === 0 || (wanted === undefined && names.length > 1)) throw notFound(wanted, names);
}

function tooLarge(name: string, sizeBytes: number, { limits }: Context): ImportError {
  return new ImportError(
    "SIZE_EXCEEDED",
    `Cannot accept "${name}" of ${formatBytes(sizeBytes)}: at most ${formatBytes(limits.maxImageBytes)} are allowed`,
    { step: "untar", remedy: "Raise the limit on the image size if an image that large is expected" },
  );
}

/** For a tar that holds no file `wanted`, or not exactly one where none is named. */
export function notFound(wanted: string | undefined, names: readonly string[]): ImportError {
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
