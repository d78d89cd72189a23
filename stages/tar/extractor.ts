import { extract } from "tar-stream";
import type { Bytes } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import type { ByteReader } from "../byte-reader.ts";
import { archiveInvalid, paddedBytes } from "./header.ts";

/** What tar-stream makes of the headers of one member. */
export interface TarEntry {
  /** With prefix, long name and PAX path applied. */
  readonly name: string;
  /** Of what is stored, with base-256 and PAX sizes applied. */
  readonly storedBytes: number;
  /** The stored data, taken from `archive` as it is pulled, with the padding behind it. To be read to its end, once. */
  bytes(archive: ByteReader): Bytes;
}

/** tar-stream, handed piece by piece what the caller has taken from an archive, so that nothing is pulled ahead. */
export interface TarExtractor {
  /** Takes whole blocks of headers that belong to the entry behind them: a PAX header, a long name. */
  extend(blocks: Uint8Array): void;
  /** Takes the header of an entry; what was before must have been read. Throws ARCHIVE_INVALID. */
  entry(header: Uint8Array): Promise<TarEntry>;
  /** Destroys its streams. */
  close(): Promise<void>;
}

const OPTIONS = {
  /** v7 has no magic. The types of tar-stream 3.2 do not know this option. */
  allowUnknownFormat: true,
  /** Of no effect, as nothing waits for "drain": what is given is taken out before more is given. */
  highWaterMark: 1,
};

/** Each header must have been checked: tar-stream waits for ever for the entry of a block it takes for padding. */
export function tarExtractor(): TarExtractor {
  const stream = extract(OPTIONS);
  const entries = stream[Symbol.asyncIterator]();

  return {
    extend(blocks) {
      stream.write(blocks);
    },
    async entry(header) {
      const coming = entries.next(); // asked for first, as this ends the entry before
      stream.write(header);
      const { value: entry, done = false } = await coming.catch(refused);
      if (done) throw archiveInvalid("tar-stream ended at a header");
      const { name, size: storedBytes } = entry.header;
      return {
        name,
        storedBytes,
        async *bytes(archive) {
          if (storedBytes > 0) yield* through(entry, name, storedBytes, archive);
        },
      };
    },
    async close() {
      await entries.return?.();
    },
  };

  /** Every chunk given comes out as it is before the next one is given. */
  async function* through(
    entry: AsyncIterable<unknown>,
    name: string,
    storedBytes: number,
    archive: ByteReader,
  ): Bytes {
    const chunks = entry[Symbol.asyncIterator]();
    for (let leftBytes = storedBytes; leftBytes > 0;) {
      const given = await archive.next(leftBytes);
      if (given === undefined) throw archiveInvalid(`it ends inside "${name}"`);
      leftBytes -= given.byteLength;
      const coming = chunks.next();
      stream.write(given);
      if ((await coming).value !== given) {
        throw new ImportError(
          "INTERNAL",
          `Cannot read "${name}" as tar-stream gave other bytes than it got`,
          {
            step: "untar",
          },
        );
      }
      yield given;
    }
    await chunks.next(); // its end, with which tar-stream turns to the padding
    const paddingBytes = paddedBytes(storedBytes) - storedBytes;
    const padding = await archive.take(paddingBytes);
    if (padding.byteLength < paddingBytes) throw archiveInvalid("it ends early");
    if (paddingBytes > 0) stream.write(padding);
  }
}

function refused(error: unknown): never {
  throw archiveInvalid("tar-stream refuses a header", error);
}
