import type { BitReader } from "./bit-reader.ts";
import { decompressionFailed } from "./engine.ts";

/** Limits of the format (bzip2 1.0.8, `decompress.c`). */
const MAX_CODE_BITS = 20;
const GROUP_SYMBOLS = 50;
const MAX_SELECTORS = 18_002;

/** Codes up to this length are found by one look into a table; it covers nearly all that occur. */
const TABLE_BITS = 10;

/** One block before the inverse Burrows-Wheeler transform: of the bytes, and where in `sorted` the text begins. */
export interface Bzip2Block {
  /** The last column of the sorted rotations, one byte an entry. */
  readonly lengthBytes: number;
  readonly startAt: number;
}

interface HuffmanTable {
  /** For the next TABLE_BITS bits: symbol × 32 + length, or 0 when the code is longer. */
  readonly direct: Uint16Array;
  readonly maxBits: number;
  /** By length: the largest code of it (as it stands left in maxBits bits), and what to add to get its symbol's place. */
  readonly limits: Int32Array;
  readonly offsets: Int32Array;
  readonly symbols: Uint16Array;
}

/** Decodes the Huffman, move-to-front and run-length layers of one block into `sorted`. Throws DECOMPRESSION_FAILED. */
export function readBlock(bits: BitReader, sorted: Uint32Array): Bzip2Block {
  if (bits.read(1) !== 0) throw damaged("uses the randomisation that bzip2 gave up in 1999");
  const startAt = bits.read(24);
  const used = readUsedBytes(bits);
  const symbolCount = used.length + 2;
  const tableCount = bits.read(3);
  if (tableCount < 2 || tableCount > 6) throw damaged();
  const selectors = readSelectors(bits, tableCount);
  const tables = Array.from({ length: tableCount }, () => readTable(bits, symbolCount));
  const lengthBytes = readSymbols(bits, selectors, tables, used, sorted);
  if (startAt >= lengthBytes) throw damaged();
  return { lengthBytes, startAt };
}

function readUsedBytes(bits: BitReader): Uint8Array {
  const used: number[] = [];
  const ranges = bits.read(16);
  for (let range = 0; range < 16; range++) {
    if ((ranges & (0x8000 >> range)) === 0) continue;
    const members = bits.read(16);
    for (let member = 0; member < 16; member++) {
      if ((members & (0x8000 >> member)) !== 0) used.push(range * 16 + member);
    }
  }
  if (used.length === 0) throw damaged();
  return Uint8Array.from(used);
}

function readSelectors(bits: BitReader, tableCount: number): Uint8Array {
  const count = bits.read(15);
  if (count === 0) throw damaged();
  const order = Array.from({ length: tableCount }, (_, table) => table);
  // Some writers state more than a block can use; bzip2 1.0.8 reads and drops them, and so must a reader.
  const selectors = new Uint8Array(Math.min(count, MAX_SELECTORS));
  for (let index = 0; index < count; index++) {
    let place = 0;
    while (bits.read(1) === 1) {
      place++;
      if (place >= tableCount) throw damaged();
    }
    const [table = 0] = order.splice(place, 1);
    order.unshift(table);
    if (index < selectors.length) selectors[index] = table;
  }
  return selectors;
}

function readTable(bits: BitReader, symbolCount: number): HuffmanTable {
  const lengths = new Uint8Array(symbolCount);
  let length = bits.read(5);
  for (let symbol = 0; symbol < symbolCount; symbol++) {
    for (;;) {
      if (length < 1 || length > MAX_CODE_BITS) throw damaged();
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return huffmanTable(lengths);
}

function huffmanTable(lengths: Uint8Array): HuffmanTable {
  const direct = new Uint16Array(1 << TABLE_BITS);
  const maxBits = lengths.reduce((longest, length) => Math.max(longest, length), 0);
  const limits = new Int32Array(MAX_CODE_BITS + 2).fill(-1);
  const offsets = new Int32Array(MAX_CODE_BITS + 2);
  const symbols = new Uint16Array(lengths.length);
  let code = 0;
  let place = 0;
  for (let length = 1; length <= maxBits; length++) {
    offsets[length] = place - code;
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== length) continue;
      if (length <= TABLE_BITS) {
        const spread = TABLE_BITS - length;
        direct.fill(symbol * 32 + length, code << spread, (code + 1) << spread);
      }
      symbols[place++] = symbol;
      code++;
    }
    limits[length] = code - 1;
    code <<= 1;
  }
  return { direct, maxBits, limits, offsets, symbols };
}

function readSymbol(bits: BitReader, table: HuffmanTable): number {
  const found = table.direct[bits.peek(TABLE_BITS)] ?? 0;
  if (found !== 0) {
    bits.skip(found & 31);
    return found >> 5;
  }
  for (let length = TABLE_BITS + 1; length <= table.maxBits; length++) {
    const code = bits.peek(length);
    if (code > (table.limits[length] ?? -1)) continue;
    bits.skip(length);
    return table.symbols[code + (table.offsets[length] ?? 0)] ?? -1;
  }
  throw damaged();
}

function readSymbols(
  bits: BitReader,
  selectors: Uint8Array,
  tables: readonly HuffmanTable[],
  used: Uint8Array,
  sorted: Uint32Array,
): number {
  const order = Uint8Array.from(used);
  const endSymbol = used.length + 1;
  let lengthBytes = 0;
  let run = 0;
  let runUnit = 1;
  for (const selector of selectors) {
    const table = tables[selector];
    if (table === undefined) throw damaged();
    for (let count = 0; count < GROUP_SYMBOLS; count++) {
      const symbol = readSymbol(bits, table);
      if (symbol === 0 || symbol === 1) {
        run += runUnit << symbol;
        runUnit <<= 1;
        if (run > sorted.length) throw damaged();
        continue;
      }
      if (run > 0) {
        if (lengthBytes + run > sorted.length) throw damaged();
        sorted.fill(order[0] ?? 0, lengthBytes, lengthBytes + run);
        lengthBytes += run;
        run = 0;
        runUnit = 1;
      }
      if (symbol === endSymbol) return lengthBytes;
      const place = symbol - 1;
      const byte = order[place];
      if (byte === undefined || lengthBytes >= sorted.length) throw damaged();
      order.copyWithin(1, 0, place);
      order[0] = byte;
      sorted[lengthBytes++] = byte;
    }
  }
  throw damaged();
}

function damaged(how = "is damaged or ends early"): Error {
  return decompressionFailed("bzip2", `a block ${how}`);
}
