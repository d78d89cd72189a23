import type { Bytes, Context, Stage } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { formatBytes } from "../../pipeline/units.ts";
import { memberNotFound } from "../tar/member-not-found.ts";
import { tarReader } from "../tar/reader.ts";

export { isTar } from "../tar/header.ts";

export interface UntarOptions {
  /** Path of the file to take out. Default: the only file there is. */
  readonly member?: string;
}

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
  const archive = tarReader(input);
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
        yield* member.bytes();
      }
    }
    await archive.drain();
  } finally {
    await archive.close();
  }
  if (takenCount === 0 || (wanted === undefined && names.length > 1)) throw memberNotFound(wanted, names);
}

function tooLarge(name: string, sizeBytes: number, { limits }: Context): ImportError {
  return new ImportError(
    "SIZE_EXCEEDED",
    `Cannot accept "${name}" of ${formatBytes(sizeBytes)}: at most ${formatBytes(limits.maxImageBytes)} are allowed`,
    { step: "untar", remedy: "Raise the limit on the image size if an image that large is expected" },
  );
}
