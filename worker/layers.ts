import type { Context, Source, Stage } from "../pipeline/contract.ts";
import type { DiskFormat } from "../pipeline/disk-format.ts";
import { ImportError } from "../pipeline/errors.ts";
import { decompress, detectCompression } from "../stages/transforms/decompress.ts";
import { isTar, untar } from "../stages/transforms/untar.ts";
import {
  type DetectedFormat,
  detectFormat,
  FORMAT_HEAD_BYTES,
  FORMAT_TAIL_BYTES,
} from "../validators/container/format.ts";
import { firstBytes, headThrough, through } from "./head.ts";

/** `disk.raw.gz` in an OVA in a bundle has three; more is a nest that nobody made in good faith. */
const MAX_LAYERS = 4;

export interface LayerOptions {
  /** Overrules detection of the disk format. */
  readonly from?: DiskFormat;
  /** Which member of an archive holds the disk. */
  readonly member?: string;
}

/** What leads from the outermost bytes to what is looked at next. */
export interface Wrapped {
  /** The outermost bytes, and their beginning. */
  readonly source: Source;
  readonly head: Uint8Array;
  /** Names of the wrappings known so far, outermost first, and the stages that take them off. */
  readonly layers: readonly string[];
  readonly stages: readonly Stage[];
}

/** What a disk image is wrapped in, and what it is. */
export interface Peeled extends DetectedFormat {
  /** Names of all wrappings, outermost first. */
  readonly layers: readonly string[];
  /** Take them off: outermost bytes in, disk image out. */
  readonly stages: readonly Stage[];
}

/**
 * Finds compression, archive and disk format by their marks, never by name, from the beginning of the outermost bytes
 * and, where they can be read from anywhere and are the image itself, their end. Throws FORMAT_UNKNOWN,
 * FORMAT_MISMATCH when `from` contradicts what is there, IMAGE_UNSAFE for nests deeper than {@link MAX_LAYERS}.
 */
export async function peel(wrapped: Wrapped, options: LayerOptions, context: Context): Promise<Peeled> {
  const { source, head } = wrapped;
  const layers = [...wrapped.layers];
  const stages = [...wrapped.stages];
  for (let depth = 0; ; depth++) {
    let inner: Uint8Array = await headThrough(head, stages, FORMAT_HEAD_BYTES, context);
    if (inner.byteLength < FORMAT_HEAD_BYTES) inner = await streamedHead(source, stages, inner, context);
    const layer = detectLayer(inner, options);
    if (layer === undefined) {
      const tail = stages.length === 0 ? await readTail(source, context) : undefined;
      return { layers, stages, ...agreed(source.name, detectFormat(inner, tail), options.from) };
    }
    if (depth === MAX_LAYERS) {
      throw new ImportError(
        "IMAGE_UNSAFE",
        `Cannot unwrap "${source.name}" as it has more than ${MAX_LAYERS} layers`,
        { remedy: "Unpack it by hand, if you trust who made it" },
      );
    }
    layers.push(layer.name);
    stages.push(layer.stage);
  }
}

function detectLayer(head: Uint8Array, { member }: LayerOptions): { name: string; stage: Stage } | undefined {
  const compression = detectCompression(head);
  if (compression !== undefined) return { name: compression, stage: decompress(compression) };
  if (!isTar(head)) return undefined;
  return { name: "tar", stage: untar(member === undefined ? {} : { member }) };
}

/** What the beginning at hand does not reach, such as a member further back, is read from the source where it can be. */
async function streamedHead(
  source: Source,
  stages: readonly Stage[],
  found: Uint8Array,
  context: Context,
): Promise<Uint8Array> {
  const { seekable } = await source.facts(context);
  return seekable
    ? await firstBytes(through(source.bytes(context), stages, context), FORMAT_HEAD_BYTES)
    : found;
}

async function readTail(source: Source, context: Context): Promise<Uint8Array | undefined> {
  const { sizeBytes, seekable } = await source.facts(context);
  if (!seekable || sizeBytes === undefined || sizeBytes < FORMAT_TAIL_BYTES) return undefined;
  return await firstBytes(source.bytes(context, sizeBytes - FORMAT_TAIL_BYTES), FORMAT_TAIL_BYTES);
}

function agreed(name: string, detected: DetectedFormat, from: DiskFormat | undefined): DetectedFormat {
  if (from === undefined || from === detected.format) return detected;
  // A fixed VHD is a raw disk with a footer that a pipe does not show beforehand.
  if (from === "vhd" && detected.format === "raw") return { format: "vhd" };
  throw new ImportError(
    "FORMAT_MISMATCH",
    `Cannot read "${name}" as ${from} as it carries the mark of ${detected.format}`,
    {
      remedy: `Leave --from out, or say --from ${detected.format}`,
    },
  );
}
