import type { Bytes, Stage } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { TAR_BLOCK_BYTES, paddedBytes, withChecksum } from "./header.ts";

/** Archives end on a multiple of this: 20 blocks, tar's record for as long as there were tapes. */
const RECORD_BYTES = 20 * TAR_BLOCK_BYTES;

/** The end mark: two blocks of zeros. */
const END_BYTES = 2 * TAR_BLOCK_BYTES;

const NAME_BYTES = 100;

/** The largest size that 11 octal digits hold. */
const MAX_OCTAL_SIZE = 8 ** 11 - 1;

export interface TarMemberOptions {
  readonly name: string;
  /** Of the member; known before, as the header comes first. */
  readonly sizeBytes: number;
}

/**
 * Wraps a stream as the one member of a tar archive, byte for byte as euca2ools 3 does through Python's tarfile: GNU
 * format, mode 0644, owner and times 0. No sparse encoding, as the manifest's digest is over this very stream.
 * Throws SIZE_MISMATCH when the input is not `sizeBytes` long. Pulls nothing ahead.
 */
export function tar(options: TarMemberOptions): Stage {
  const { name, sizeBytes } = options;
  return {
    name: "tar",
    async *transform(input): Bytes {
      const header = tarHeader(name, sizeBytes);
      yield header;
      let seenBytes = 0;
      for await (const chunk of input) {
        seenBytes += chunk.byteLength;
        if (seenBytes > sizeBytes) throw sizeMismatch(name, `${seenBytes} or more`, sizeBytes);
        yield chunk;
      }
      if (seenBytes < sizeBytes) throw sizeMismatch(name, `only ${seenBytes}`, sizeBytes);
      yield new Uint8Array(tarBytes(name, sizeBytes) - header.byteLength - sizeBytes);
    },
  };
}

/** Length of the archive that {@link tar} makes. */
export function tarBytes(name: string, sizeBytes: number): number {
  const usedBytes = tarHeader(name, sizeBytes).byteLength + paddedBytes(sizeBytes) + END_BYTES;
  return Math.ceil(usedBytes / RECORD_BYTES) * RECORD_BYTES;
}

function tarHeader(name: string, sizeBytes: number): Uint8Array {
  const nameBytes = Buffer.from(name);
  if (nameBytes.byteLength <= NAME_BYTES) return headerBlock(nameBytes, sizeBytes, "0");
  // GNU's way for long names: a record with the whole name and a NUL in front, and the name cut short in the header.
  return Buffer.concat([
    extendedHeader("L", Buffer.concat([nameBytes, Buffer.alloc(1)])),
    headerBlock(nameBytes.subarray(0, NAME_BYTES), sizeBytes, "0"),
  ]);
}

/** A header that belongs to the one behind it, whole blocks: a GNU long name (`L`) or PAX records (`x`). */
export function extendedHeader(type: "L" | "x", body: Uint8Array): Buffer {
  const whole = Buffer.alloc(TAR_BLOCK_BYTES + paddedBytes(body.byteLength));
  headerBlock(Buffer.from("././@LongLink"), body.byteLength, type).copy(whole);
  whole.set(body, TAR_BLOCK_BYTES);
  return whole;
}

function headerBlock(name: Uint8Array, sizeBytes: number, type: string): Buffer {
  const block = Buffer.alloc(TAR_BLOCK_BYTES);
  block.set(name);
  block.write(type === "L" ? "0000000\0" : "0000644\0", 100, "latin1"); // mode; tarfile gives LongLink none
  block.write("0000000\0", 108, "latin1"); // owner
  block.write("0000000\0", 116, "latin1"); // group
  if (sizeBytes <= MAX_OCTAL_SIZE) block.write(`${octal(sizeBytes, 11)}\0`, 124, "latin1");
  else {
    block[124] = 0x80;
    block.writeBigUInt64BE(BigInt(sizeBytes), 128);
  }
  block.write(`${octal(0, 11)}\0`, 136, "latin1"); // modification time
  block.write(type, 156, "latin1");
  block.write("ustar  \0", 257, "latin1");
  block.write("0000000\0".repeat(2), 329, "latin1"); // device; newer tarfiles leave it empty, those of euca2ools' time do not
  return withChecksum(block);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function sizeMismatch(name: string, found: string, wantedBytes: number): ImportError {
  return new ImportError(
    "SIZE_MISMATCH",
    `Cannot pack "${name}" as it has ${found} bytes: ${wantedBytes} were announced`,
    { step: "tar", remedy: "Pack it again while nothing writes to it" },
  );
}
