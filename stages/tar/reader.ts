import type { Bytes } from "../../pipeline/contract.ts";
import { isZero, zeroes } from "../../pipeline/zero.ts";
import { type ByteReader, byteReader } from "../byte-reader.ts";
import { trailingData } from "../trailing-data.ts";
import { type TarEntry, tarExtractor } from "./extractor.ts";
import { archiveInvalid, archiveUnsafe } from "./header.ts";
import { type MemberHeaders, NOTHING_SEEN, type TarSeen, memberHeaders } from "./member-headers.ts";
import { type SparseMap, isPaxSparse, oldGnuMap, paxMap } from "./sparse.ts";

/** One regular file of an archive. */
export interface TarMember {
  /** A relative path without `.` or `..`. */
  readonly name: string;
  /** As the file is when unpacked. */
  readonly sizeBytes: number;
  /** What stands in the archive for it, without padding and without the map in front of PAX 1.0. */
  readonly storedBytes: number;
  /** Where that begins, in bytes from the start of the input. */
  readonly storedAt: number;
  readonly sparse?: SparseMap;
  /** For a reader that begins behind this member. */
  readonly seen: TarSeen;
  /** The content, holes as shared zero chunks. To be read once, before the next member is asked for. */
  bytes(): Bytes;
}

/** Reads the members of an archive in order. */
export interface TarReader {
  /** The next regular file, or undefined at the end mark. Passes over what was not read of the one before. */
  next(): Promise<TarMember | undefined>;
  /** Reads on behind the end mark to the end of the input. Throws TRAILING_DATA when there is more than zeros. */
  drain(): Promise<void>;
  /** Ends the input. */
  close(): Promise<void>;
}

/**
 * Reads an archive through tar-stream: ustar, v7, old GNU (long names, base-256 sizes) and PAX (names, sizes). Sparse
 * members (old GNU, PAX 0.0, 0.1, 1.0) are filled up here, as tar-stream knows none. Folders and volume labels are
 * passed over. Pulls nothing ahead. An input that begins behind a member needs what that one has `seen`.
 * Throws ARCHIVE_INVALID (damaged, ends early), ARCHIVE_UNSAFE (links, devices, absolute paths or paths with `..`, more
 * entries than MAX_TAR_ENTRIES).
 */
export function tarReader(input: Bytes, seen: TarSeen = NOTHING_SEEN): TarReader {
  const archive = byteReader(input);
  const extractor = tarExtractor();
  const headers = memberHeaders(archive, seen);
  let lastStored: ByteReader | undefined;

  async function next(): Promise<TarMember | undefined> {
    for (;;) {
      await lastStored?.skip(Number.POSITIVE_INFINITY);
      lastStored = undefined;
      const found = await headers.next();
      if (found === undefined) return undefined;
      const map = found.header.type === "S" ? await oldGnuMap(found.header, archive) : undefined;
      for (const blocks of found.extensions) extractor.extend(blocks);
      const entry = await extractor.entry(found.header.block);
      const storedAt = archive.position;
      lastStored = byteReader(entry.bytes(archive));
      const member = await memberOf(found, entry, map, storedAt, lastStored);
      if (member !== undefined) return member;
    }
  }

  return {
    next,
    async drain() {
      for (let rest = await archive.next(); rest !== undefined; rest = await archive.next()) {
        if (!isZero(rest)) throw trailingData("tar", archive.position - rest.byteLength);
      }
    },
    async close() {
      try {
        await extractor.close();
      } finally {
        await archive.close();
      }
    },
  };
}

/** The member that headers and tar-stream tell of; undefined for a folder. */
async function memberOf(
  { header, records, seen }: MemberHeaders,
  entry: TarEntry,
  oldMap: SparseMap | undefined,
  entryAt: number,
  stored: ByteReader,
): Promise<TarMember | undefined> {
  const path = records.values.get("GNU.sparse.name") ?? entry.name;
  const name = safeName(path);
  if (header.type === "5" && entry.storedBytes > 0) {
    // tar-stream and Python take what follows for a header, GNU tar for content: somebody is to be deceived.
    throw archiveInvalid(`the folder "${name}" states a size of ${entry.storedBytes} bytes`);
  }
  if (header.type === "5" || header.type === "D" || (header.type === "0" && path.endsWith("/")))
    return undefined;
  const sparse = oldMap ?? (isPaxSparse(records) ? (await paxMap(records, stored)).map : undefined);
  const storedBytes = entry.storedBytes - stored.position;
  if (sparse !== undefined) checkRuns(name, sparse, storedBytes);
  const sizeBytes = sparse?.sizeBytes ?? storedBytes;
  return {
    name,
    sizeBytes,
    storedBytes,
    storedAt: entryAt + stored.position,
    ...(sparse === undefined ? {} : { sparse }),
    seen,
    bytes: () => content(sparse?.runs ?? [{ offset: 0, length: storedBytes }], sizeBytes, stored),
  };
}

function checkRuns(name: string, { runs }: SparseMap, storedBytes: number): void {
  const runBytes = runs.reduce((sum, run) => sum + run.length, 0);
  if (runBytes !== storedBytes) {
    throw archiveInvalid(`the sparse runs of "${name}" have ${runBytes} bytes: ${storedBytes} are stored`);
  }
}

async function* content(runs: SparseMap["runs"], sizeBytes: number, stored: ByteReader): Bytes {
  let at = 0;
  for (const { offset, length } of runs) {
    yield* zeroes(offset - at);
    for (let left = length; left > 0;) {
      const chunk = await stored.next(left);
      if (chunk === undefined) throw archiveInvalid("a member has fewer bytes than its size");
      left -= chunk.byteLength;
      yield chunk;
    }
    at = offset + length;
  }
  yield* zeroes(sizeBytes - at);
}

/** Nothing is unpacked to a path here, but a name that tries to escape says what its maker is after. */
function safeName(path: string): string {
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".");
  if (path.startsWith("/") || path.includes("\0") || path.includes("\\") || segments.includes("..")) {
    throw archiveUnsafe(`it holds the path "${path}"`);
  }
  return segments.join("/");
}
