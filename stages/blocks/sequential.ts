import type { Blocks, Bytes, Context, Source } from "../../pipeline/contract.ts";
import { zeroes } from "../../pipeline/zero.ts";

/** One request; large enough that the round trip to a qemu process does not show. */
const READ_BYTES = 1024 * 1024;

/** Requests under way beside the chunk being consumed. */
const READS_AHEAD = 4;

/**
 * Reads Blocks from beginning to end as a source: data in chunks of 1 MiB, several asked for ahead, zero runs without
 * reading as shared chunks that must not be written to. The Blocks stay open and belong to the caller.
 */
export function sequential(blocks: Blocks): Source {
  return {
    name: blocks.name,
    facts: () => Promise.resolve({ sizeBytes: blocks.sizeBytes, seekable: true }),
    bytes: (context, fromByte = 0) => inOrder(blocks, fromByte, context),
  };
}

async function* inOrder(blocks: Blocks, fromByte: number, context: Context): Bytes {
  const ahead: Promise<Iterable<Uint8Array>>[] = [];
  try {
    for await (const piece of pieces(blocks, fromByte, context)) {
      ahead.push(
        piece.kind === "zero" ? Promise.resolve(zeroes(piece.length)) : read(blocks, piece, context),
      );
      ahead.at(-1)?.catch(() => undefined); // seen when its turn comes; must not count as unhandled until then
      if (ahead.length > READS_AHEAD) yield* (await ahead.shift()) ?? [];
    }
    while (ahead.length > 0) yield* (await ahead.shift()) ?? [];
  } finally {
    await Promise.allSettled(ahead); // the owner must not close the Blocks under a read
  }
}

interface Piece {
  readonly kind: "data" | "zero";
  readonly offset: number;
  readonly length: number;
}

/** The extents, data cut on the grid of {@link READ_BYTES}. */
async function* pieces(blocks: Blocks, fromByte: number, context: Context): AsyncIterable<Piece> {
  for await (const extent of blocks.extents(fromByte, blocks.sizeBytes - fromByte, context)) {
    if (extent.kind === "zero") {
      yield extent;
      continue;
    }
    const end = extent.offset + extent.length;
    for (let offset = extent.offset; offset < end;) {
      const length = Math.min(READ_BYTES - (offset % READ_BYTES), end - offset);
      yield { kind: "data", offset, length };
      offset += length;
    }
  }
}

async function read(
  blocks: Blocks,
  { offset, length }: Piece,
  context: Context,
): Promise<readonly Uint8Array[]> {
  const chunk = Buffer.allocUnsafeSlow(length);
  await blocks.read(offset, chunk, context);
  return [chunk];
}
