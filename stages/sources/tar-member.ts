import type { Bytes, Context, Source, SourceFacts } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { paddedBytes } from "../tar/header.ts";
import { memberNotFound } from "../tar/member-not-found.ts";
import { type TarMember, tarReader } from "../tar/reader.ts";

/** Where a member's data stands in its archive. */
interface Place {
  readonly name: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

/**
 * A file inside an uncompressed tar (such as a disk of an OVA) as a seekable source: only the headers are read to find
 * it. `memberName` may be left out when there is one file. Facts and bytes throw MEMBER_NOT_FOUND, ARCHIVE_INVALID,
 * ARCHIVE_UNSAFE, SOURCE_UNSUITABLE (the archive is not seekable, or the member is sparse) and what `archive` throws.
 */
export function tarMemberSource(archive: Source, memberName?: string): Source {
  let place: Promise<Place> | undefined;
  const placeOnce = async (context: Context): Promise<Place> => {
    place ??= find(archive, memberName, context);
    try {
      return await place;
    } catch (error) {
      place = undefined; // an aborted or broken look must not be the answer for ever
      throw error;
    }
  };
  return {
    name: memberName === undefined ? `${archive.name} (member)` : `${archive.name}:${memberName}`,
    async facts(context): Promise<SourceFacts> {
      const { sizeBytes, offset } = await placeOnce(context);
      const { identity } = await archive.facts(context);
      return {
        sizeBytes,
        seekable: true,
        ...(identity === undefined ? {} : { identity: `${identity}+${offset}` }),
      };
    },
    async *bytes(context, fromByte = 0): Bytes {
      const { name, offset, sizeBytes } = await placeOnce(context);
      let left = sizeBytes - fromByte;
      if (left <= 0) return;
      for await (const chunk of archive.bytes(context, offset + fromByte)) {
        yield chunk.byteLength <= left ? chunk : chunk.subarray(0, left);
        left -= chunk.byteLength;
        if (left <= 0) return;
      }
      throw new ImportError("SOURCE_TRUNCATED", `Cannot read "${name}" as "${archive.name}" ends inside it`, {
        remedy: "Get the archive again from where it was made",
      });
    },
  };
}

async function find(archive: Source, memberName: string | undefined, context: Context): Promise<Place> {
  const { seekable } = await archive.facts(context);
  if (!seekable) {
    throw new ImportError(
      "SOURCE_UNSUITABLE",
      `Cannot look into "${archive.name}" as it cannot be read from any byte on`,
      {
        remedy: "Fetch the archive to a local file first",
      },
    );
  }
  const places: Place[] = [];
  let last: TarMember | undefined;
  for (let from = 0; ;) {
    const member = await memberAfter(last, archive, from, context);
    if (member === undefined) break;
    if (memberName === undefined || member.name === memberName) refuseSparse(member, archive);
    const offset = from + member.storedAt;
    places.push({ name: member.name, offset, sizeBytes: member.sizeBytes });
    from = offset + paddedBytes(member.storedBytes);
    last = member;
    if (member.name === memberName) break;
  }
  const matching = memberName === undefined ? places : places.filter(({ name }) => name === memberName);
  const [only] = matching;
  if (only === undefined || matching.length > 1)
    throw memberNotFound(
      memberName,
      places.map(({ name }) => name),
    );
  return only;
}

/** The next member at or behind byte `from`, which is the start of a header. */
async function memberAfter(
  last: TarMember | undefined,
  archive: Source,
  from: number,
  context: Context,
): Promise<TarMember | undefined> {
  const reader = tarReader(archive.bytes(context, from), last?.seen);
  try {
    return await reader.next();
  } finally {
    await reader.close();
  }
}

function refuseSparse(member: TarMember, archive: Source): void {
  if (member.sparse === undefined) return;
  throw new ImportError(
    "SOURCE_UNSUITABLE",
    `Cannot seek in "${member.name}" of "${archive.name}" as it is stored sparse`,
    {
      remedy: "Unpack the archive first, or read it in order",
    },
  );
}
