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
import { type PaxRecords, decimal, parsePax } from "./pax.ts";
import { extendedHeader } from "./writer.ts";

/** The headers of one file or folder, checked, in a form that tar-stream does not misunderstand. */
export interface MemberHeaders {
  readonly header: TarHeader;
  /** Extended headers that go before it: whole blocks, only such as have content. */
  readonly extensions: readonly Uint8Array[];
  /** Of PAX headers, for what tar-stream does not apply. */
  readonly records: PaxRecords;
  readonly seen: TarSeen;
}

/** What headers so far mean for those that follow, for who goes on in the middle of an archive. */
export interface TarSeen {
  readonly entryCount: number;
  /** The records of all global PAX headers. */
  readonly globalBody: Uint8Array;
}

export const NOTHING_SEEN: TarSeen = { entryCount: 0, globalBody: new Uint8Array() };

/** Names and PAX records; Linux knows no path longer than 4 KiB, and PAX 0.1 maps take the rest. tar-stream's bound. */
const MAX_EXTENDED_BYTES = 4 * 1024 * 1024;

/** An image comes with a handful of files at most; whoever packs more means to keep the reader busy. */
export const MAX_TAR_ENTRIES = 10_000;

/** Files and folders: `7` is a file that wants to be contiguous, `D` a folder with a list of its names, `S` sparse. */
const ACCEPTED_TYPES: ReadonlySet<string> = new Set(["0", "5", "7", "D", "S"]);

/** Global records are read again for each member; those in the wild are a comment or a character set. */
const MAX_GLOBAL_BYTES = 64 * 1024;

/**
 * Takes the headers in front of a member from `archive`, which stands where the one before ended with its padding. What
 * tar-stream would guess at (checksums, numbers, malformed records) throws ARCHIVE_INVALID, what is neither file nor
 * folder ARCHIVE_UNSAFE. Gives undefined at the end mark.
 */
export function memberHeaders(
  archive: ByteReader,
  seen: TarSeen,
): { next(): Promise<MemberHeaders | undefined> } {
  let { entryCount, globalBody } = seen;

  async function next(): Promise<MemberHeaders | undefined> {
    let ownBody: Uint8Array = new Uint8Array();
    let longName: Uint8Array = new Uint8Array();
    for (;;) {
      const header = await readHeader(archive);
      if (header === undefined) return undefined;
      if (++entryCount > MAX_TAR_ENTRIES) throw archiveUnsafe(`it has more than ${MAX_TAR_ENTRIES} entries`);
      switch (header.type) {
        case "x":
          ownBody = await paxBody(header, archive);
          continue;
        case "g":
          globalBody = Buffer.concat([globalBody, await paxBody(header, archive)]);
          checkExtended(globalBody.byteLength, MAX_GLOBAL_BYTES);
          continue;
        case "L":
          longName = await extendedBody(header, archive);
          continue;
        case "K": // the long target of a link, which is refused when it comes
          await extendedBody(header, archive);
          continue;
        case "V": // a volume label
          continue;
      }
      refuseSpecial(header);
      // tar-stream keeps one global header, and applies it to members that have a PAX header of their own only.
      const allRecords = Buffer.concat([globalBody, ownBody]);
      checkExtended(allRecords.byteLength, MAX_EXTENDED_BYTES);
      const records = parsePax(allRecords);
      const size = records.values.get("size");
      if (size !== undefined) decimal(size);
      return {
        header,
        extensions: [...extension("L", longName), ...extension("x", allRecords)],
        records,
        seen: { entryCount, globalBody },
      };
    }
  }
  return { next };
}

async function readHeader(archive: ByteReader): Promise<TarHeader | undefined> {
  const block = await archive.take(TAR_BLOCK_BYTES);
  if (block.byteLength === TAR_BLOCK_BYTES) return parseTarHeader(block);
  throw archiveInvalid(block.byteLength === 0 ? "it has no end mark" : "it ends inside a header");
}

/** The content of a header that belongs to the next one. */
async function extendedBody(header: TarHeader, archive: ByteReader): Promise<Uint8Array> {
  checkExtended(header.sizeBytes, MAX_EXTENDED_BYTES);
  const wholeBytes = paddedBytes(header.sizeBytes);
  const whole = await archive.take(wholeBytes);
  if (whole.byteLength < wholeBytes) throw archiveInvalid("it ends inside an extended header");
  return whole.subarray(0, header.sizeBytes);
}

async function paxBody(header: TarHeader, archive: ByteReader): Promise<Uint8Array> {
  const body = await extendedBody(header, archive);
  parsePax(body); // each alone, so that no record reaches from one header into another
  return body;
}

/** Nothing for a header without content, behind which tar-stream loses its way. */
function extension(type: "L" | "x", body: Uint8Array): readonly Uint8Array[] {
  return body.byteLength === 0 ? [] : [extendedHeader(type, body)];
}

function checkExtended(sizeBytes: number, mostBytes: number): void {
  if (sizeBytes > mostBytes) throw archiveUnsafe(`an extended header has more than ${mostBytes} bytes`);
}

function refuseSpecial({ type, block }: TarHeader): void {
  if (ACCEPTED_TYPES.has(type)) return;
  const name = textField(block, 0, 100);
  throw archiveUnsafe(`"${name}" is no file but of type "${type}" (links, devices and the like)`);
}
