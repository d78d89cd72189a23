import type { Bytes } from "../../pipeline/contract.ts";
import { isZero, zeroes } from "../../pipeline/zero.ts";
import type { ByteReader } from "../byte-reader.ts";
import {
  TAR_BLOCK_BYTES,
  type TarHeader,
  archiveInvalid,
  archiveUnsafe,
  paddedBytes,
  parseTarHeader,
  textField,
} from "./header.ts";
import { NO_RECORDS, type PaxRecords, decimal, parsePax } from "./pax.ts";
import { type SparseMap, isPaxSparse, oldGnuMap, paxMap } from "./sparse.ts";
import { trailingData } from "../trailing-data.ts";

/** One regular file of an archive; the reader stands where its stored data begins. */
export interface TarMember {
  /** A relative path without `.` or `..`. */
  readonly name: string;
  /** As the file is when unpacked. */
  readonly sizeBytes: number;
  /** What stands in the archive for it, without padding. */
  readonly storedBytes: number;
  readonly sparse?: SparseMap;
}

/** Names and PAX records; Linux knows no path longer than 4 KiB, and PAX 0.1 maps take the rest. */
const MAX_EXTENDED_BYTES = 4 * 1024 * 1024;

/** An image comes with a handful of files at most; whoever packs more means to keep the reader busy. */
export const MAX_TAR_ENTRIES = 10_000;

/** Reads the members of an archive in order. */
export interface TarReader {
  /** The next regular file, or undefined at the end mark. What was before must have been read or passed over. */
  next(): Promise<TarMember | undefined>;
}

/**
 * Walks the headers of an archive: ustar, v7, old GNU (long names, base-256 sizes, sparse) and PAX (names, sizes, sparse
 * 0.0, 0.1, 1.0). Folders and volume labels are passed over. Throws ARCHIVE_INVALID (damaged, ends early),
 * ARCHIVE_UNSAFE (links, devices, absolute paths or paths with `..`, more than {@link MAX_TAR_ENTRIES} entries).
 */
export function tarReader(reader: ByteReader): TarReader {
  let globals = NO_RECORDS;
  let entryCount = 0;

  async function next(): Promise<TarMember | undefined> {
    let records = globals;
    let longName: string | undefined;
    for (;;) {
      const header = await readHeader(reader);
      if (header === undefined) return undefined;
      if (++entryCount > MAX_TAR_ENTRIES) throw archiveUnsafe(`it has more than ${MAX_TAR_ENTRIES} entries`);
      switch (header.type) {
        case "x":
          records = parsePax(await extended(reader, header), globals);
          continue;
        case "g":
          globals = parsePax(await extended(reader, header), globals);
          records = globals;
          continue;
        case "L":
          longName = longText(await extended(reader, header));
          continue;
        case "K": // the long target of a link, which is refused when it comes
          await extended(reader, header);
          continue;
        case "V": // a volume label
          continue;
      }
      const path =
        records.values.get("GNU.sparse.name") ?? records.values.get("path") ?? longName ?? header.name;
      const name = safeName(path);
      const isFolder =
        header.type === "5" || header.type === "D" || (header.type === "0" && path.endsWith("/"));
      if (!isFolder) return memberOf(header, name, records, reader);
      await pass(reader, paddedBytes(sizeOf(header, records)));
      records = globals;
      longName = undefined;
    }
  }
  return { next };
}

async function memberOf(
  header: TarHeader,
  name: string,
  records: PaxRecords,
  reader: ByteReader,
): Promise<TarMember> {
  const storedBytes = sizeOf(header, records);
  if (header.type === "S") {
    const sparse = await oldGnuMap(header, reader);
    return sparseMember(name, storedBytes, sparse);
  }
  if (header.type !== "0" && header.type !== "7") {
    throw archiveUnsafe(`"${name}" is no file but of type "${header.type}" (links, devices and the like)`);
  }
  if (!isPaxSparse(records)) return { name, sizeBytes: storedBytes, storedBytes };
  const { map, mapBytes } = await paxMap(records, reader);
  return sparseMember(name, storedBytes - mapBytes, map);
}

function sparseMember(name: string, storedBytes: number, sparse: SparseMap): TarMember {
  const runBytes = sparse.runs.reduce((sum, run) => sum + run.length, 0);
  if (runBytes !== storedBytes) {
    throw archiveInvalid(`the sparse runs of "${name}" have ${runBytes} bytes: ${storedBytes} are stored`);
  }
  return { name, sizeBytes: sparse.sizeBytes, storedBytes, sparse };
}

/** The content of `member`, holes as shared zero chunks; stops where its padding begins. */
export async function* memberBytes(member: TarMember, reader: ByteReader): Bytes {
  const runs = member.sparse?.runs ?? [{ offset: 0, length: member.storedBytes }];
  let at = 0;
  for (const { offset, length } of runs) {
    yield* zeroes(offset - at);
    for (let left = length; left > 0;) {
      const chunk = await reader.next(left);
      if (chunk === undefined) throw archiveInvalid(`it ends inside "${member.name}"`);
      left -= chunk.byteLength;
      yield chunk;
    }
    at = offset + length;
  }
  yield* zeroes(member.sizeBytes - at);
}

/** Passes over what is left of the last member: `unreadBytes` of data and its padding. */
export async function passMember(member: TarMember, unreadBytes: number, reader: ByteReader): Promise<void> {
  await pass(reader, unreadBytes + paddedBytes(member.storedBytes) - member.storedBytes);
}

/** Reads on behind the end mark to the end of the input. Throws TRAILING_DATA when there is more than zeros. */
export async function drainArchive(reader: ByteReader): Promise<void> {
  for (let rest = await reader.next(); rest !== undefined; rest = await reader.next()) {
    if (!isZero(rest)) throw trailingData("tar", reader.position - rest.byteLength);
  }
}

async function readHeader(reader: ByteReader): Promise<TarHeader | undefined> {
  const block = await reader.take(TAR_BLOCK_BYTES);
  if (block.byteLength === TAR_BLOCK_BYTES) return parseTarHeader(block);
  throw archiveInvalid(block.byteLength === 0 ? "it has no end mark" : "it ends inside a header");
}

function sizeOf(header: TarHeader, records: PaxRecords): number {
  const size = records.values.get("size");
  return size === undefined ? header.sizeBytes : decimal(size);
}

/** The body of a header that belongs to the next one. */
async function extended(reader: ByteReader, header: TarHeader): Promise<Uint8Array> {
  if (header.sizeBytes > MAX_EXTENDED_BYTES) {
    throw archiveUnsafe(`an extended header has more than ${MAX_EXTENDED_BYTES} bytes`);
  }
  const body = await reader.take(header.sizeBytes);
  if (body.byteLength < header.sizeBytes) throw archiveInvalid("it ends inside an extended header");
  await pass(reader, paddedBytes(header.sizeBytes) - header.sizeBytes);
  return body;
}

async function pass(reader: ByteReader, lengthBytes: number): Promise<void> {
  if ((await reader.skip(lengthBytes)) < lengthBytes) throw archiveInvalid("it ends early");
}

function longText(body: Uint8Array): string {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return textField(text, 0, text.byteLength);
}

/** Nothing is unpacked to a path here, but a name that tries to escape says what its maker is after. */
function safeName(path: string): string {
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".");
  if (path.startsWith("/") || path.includes("\0") || path.includes("\\") || segments.includes("..")) {
    throw archiveUnsafe(`it holds the path "${path}"`);
  }
  return segments.join("/");
}
