import type { ByteReader } from "../byte-reader.ts";
import { TAR_BLOCK_BYTES, type TarHeader, archiveInvalid, archiveUnsafe, tarNumber } from "./header.ts";
import { type PaxRecords, decimal } from "./pax.ts";

/** A run of stored data and where it belongs; between runs the member is zero. */
export interface SparseRun {
  readonly offset: number;
  readonly length: number;
}

/** The layout of a sparse member. */
export interface SparseMap {
  /** Of the member with its holes. */
  readonly sizeBytes: number;
  readonly runs: readonly SparseRun[];
}

/** A terabyte in runs of a megabyte; more only costs memory. */
const MAX_RUNS = 1024 * 1024;

/** Runs in an old GNU header, and in each of its extension blocks (GNU tar manual, "Old GNU Format"). */
const HEADER_RUNS = 4;
const EXTENSION_RUNS = 21;
const RUN_BYTES = 24;

/** Reads the map of a type `S` header, which may go on in blocks behind it that no size counts. */
export async function oldGnuMap(header: TarHeader, reader: ByteReader): Promise<SparseMap> {
  const sizeBytes = tarNumber(header.block, 483, 12);
  const numbers = runNumbers(header.block, 386, HEADER_RUNS);
  let isExtended = header.block[482] !== 0;
  while (isExtended) {
    const block = Buffer.from(await reader.take(TAR_BLOCK_BYTES));
    if (block.byteLength < TAR_BLOCK_BYTES) throw archiveInvalid("it ends in a sparse map");
    numbers.push(...runNumbers(block, 0, EXTENSION_RUNS));
    isExtended = block[504] !== 0;
    checkRunCount(numbers.length / 2);
  }
  return sparseMap(sizeBytes, numbers);
}

function runNumbers(block: Buffer, at: number, count: number): number[] {
  const numbers: number[] = [];
  for (let run = 0; run < count; run++) {
    const from = at + run * RUN_BYTES;
    if (block[from] === 0) break; // an unused entry is all NUL; a used one has a digit or the base-256 bit
    numbers.push(tarNumber(block, from, 12), tarNumber(block, from + 12, 12));
  }
  return numbers;
}

/** Whether PAX records make the member behind them sparse. */
export function isPaxSparse({ values, sparseNumbers }: PaxRecords): boolean {
  return (
    sparseNumbers.length > 0 ||
    values.has("GNU.sparse.map") ||
    values.has("GNU.sparse.major") ||
    values.has("GNU.sparse.size")
  );
}

/**
 * Reads the map of PAX sparse format 0.0, 0.1 (both in the records) or 1.0 (in front of the data, which it is taken
 * from) (GNU tar manual, "PAX Format"). Returns it with the bytes it took of the data.
 */
export async function paxMap(
  { values, sparseNumbers }: PaxRecords,
  reader: ByteReader,
): Promise<{ readonly map: SparseMap; readonly mapBytes: number }> {
  const sizeBytes = decimal(values.get("GNU.sparse.realsize") ?? values.get("GNU.sparse.size") ?? "");
  if (values.get("GNU.sparse.major") === "1") {
    const start = reader.position;
    const numbers = await leadingNumbers(reader);
    return { map: sparseMap(sizeBytes, numbers), mapBytes: reader.position - start };
  }
  const listed = values.get("GNU.sparse.map");
  const numbers = listed === undefined ? sparseNumbers : listed === "" ? [] : listed.split(",").map(decimal);
  return { map: sparseMap(sizeBytes, numbers), mapBytes: 0 };
}

/** A count of runs, then offset and length of each: decimal, a newline behind every number, padded to whole blocks. */
async function leadingNumbers(reader: ByteReader): Promise<readonly number[]> {
  const numbers: number[] = [];
  let wanted = 1;
  let partial = "";
  while (numbers.length < wanted) {
    const block = Buffer.from(await reader.take(TAR_BLOCK_BYTES));
    if (block.byteLength < TAR_BLOCK_BYTES) throw archiveInvalid("it ends in a sparse map");
    const lines = (partial + block.toString("latin1")).split("\n");
    partial = lines.pop() ?? "";
    for (const line of lines) {
      if (numbers.length >= wanted) break;
      numbers.push(decimal(line));
      if (numbers.length === 1) {
        checkRunCount(numbers[0] ?? 0);
        wanted = 1 + 2 * (numbers[0] ?? 0);
      }
    }
    if (partial.length > TAR_BLOCK_BYTES) throw archiveInvalid("its sparse map is malformed");
  }
  return numbers.slice(1);
}

function checkRunCount(count: number): void {
  if (count > MAX_RUNS) throw archiveUnsafe(`a member has more than ${MAX_RUNS} sparse runs`);
}

function sparseMap(sizeBytes: number, numbers: readonly number[]): SparseMap {
  const runs: SparseRun[] = [];
  let end = 0;
  checkRunCount(numbers.length / 2);
  for (let at = 0; at < numbers.length; at += 2) {
    const offset = numbers[at] ?? 0;
    const length = numbers[at + 1] ?? -1;
    if (offset < end || length < 0 || offset + length > sizeBytes) {
      throw archiveInvalid("its sparse runs overlap or reach past the end");
    }
    end = offset + length;
    runs.push({ offset, length });
  }
  return { sizeBytes, runs };
}
