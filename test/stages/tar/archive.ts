import { TAR_BLOCK_BYTES, paddedBytes, withChecksum } from "../../../stages/tar/header.ts";

/** Two blocks of zeros. */
export const END_MARK = Buffer.alloc(2 * TAR_BLOCK_BYTES);

export interface EntryOptions {
  /** Default: `0`, a file. */
  readonly type?: string;
  readonly content?: Uint8Array | string;
  /** What the size field says. Default: the truth. */
  readonly size?: string;
}

/** One header, as wrong as wanted but for its checksum, with its content and padding. */
export function entry(name: string, options: EntryOptions = {}): Buffer {
  const content = Buffer.from(options.content ?? "");
  const block = Buffer.alloc(TAR_BLOCK_BYTES);
  block.write(name, 0);
  block.write(options.size ?? content.byteLength.toString(8).padStart(11, "0"), 124, "latin1");
  block.write(options.type ?? "0", 156, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  const padding = Buffer.alloc(paddedBytes(content.byteLength) - content.byteLength);
  return Buffer.concat([withChecksum(block), content, padding]);
}

/** A PAX header, of one member (`x`) or of all behind it (`g`). */
export function pax(values: Readonly<Record<string, string>>, type: "x" | "g" = "x"): Buffer {
  const content = Object.entries(values)
    .map(([key, value]) => record(key, value))
    .join("");
  return entry("pax", { type, content });
}

/** One PAX record with its own length in front. */
export function record(key: string, value: string): string {
  const body = ` ${key}=${value}\n`;
  let lengthBytes = Buffer.byteLength(body) + 1;
  while (Buffer.byteLength(`${lengthBytes}${body}`) !== lengthBytes) lengthBytes++;
  return `${lengthBytes}${body}`;
}
