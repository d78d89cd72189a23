import type { Context, Source, Stage } from "../pipeline/contract.ts";
import type { DiskFormat } from "../pipeline/disk-format.ts";
import { ImportError } from "../pipeline/errors.ts";
import { decompress, detectCompression } from "../stages/transforms/decompress.ts";
import { isTar, untar } from "../stages/transforms/untar.ts";
import { blocksView, type ImageView, prefixView } from "../validators/container/image-view.ts";
import { type ContainerReport, inspectContainer } from "../validators/container/inspect-container.ts";
import { findMarks, markName } from "../validators/container/marks.ts";
import { firstBytes, headThrough, through } from "./head.ts";
import { seekingBlocks } from "./peek-blocks.ts";

/** `disk.raw.gz` in an OVA in a bundle has three; more is a nest that nobody made in good faith. */
const MAX_LAYERS = 4;

/** How much of the beginning of an image is looked at behind layers: up to the region tables of VHDX at 320 KiB. */
const FORMAT_HEAD_BYTES = 512 * 1024;

export interface LayerOptions {
  /** Overrules detection of the disk format. */
  readonly from?: DiskFormat;
  /** Which member of an archive holds the disk. */
  readonly member?: string;
  /** Takes what `from` declares raw as raw, also where the disk starts like an image of another format. */
  readonly allowsNested?: boolean;
  /** Mends on a copy what can be mended: the log of a VHDX that was not closed properly is replayed. */
  readonly repairs?: boolean;
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
export interface Peeled {
  readonly format: DiskFormat;
  /** Guest-visible size, where the bytes at hand tell it. */
  readonly virtualSizeBytes?: number;
  /** Every rule that was looked at; see `refuseUnsafe`. */
  readonly safety: ContainerReport;
  /** Names of all wrappings, outermost first. */
  readonly layers: readonly string[];
  /** Take them off: outermost bytes in, disk image out. */
  readonly stages: readonly Stage[];
}

/**
 * Finds compression, archive and disk format by their marks, never by name, and inspects the image: all of it where it
 * can be read from anywhere and is in no layer, else its beginning. What the inspection found is told, not thrown.
 * Throws IMAGE_UNSAFE for nests deeper than {@link MAX_LAYERS} and for what is two kinds of layer at once.
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
      const view =
        (stages.length === 0 ? await wholeView(source, head, context) : undefined) ?? prefixView(inner);
      return { layers, stages, ...(await inspected(view, options, context)) };
    }
    const marks = findMarks(prefixView(inner));
    if (marks.length > 1) {
      throw unsafe(source.name, `it carries the marks of ${marks.map(markName).join(" and ")}`);
    }
    if (depth === MAX_LAYERS) throw unsafe(source.name, `it has more than ${MAX_LAYERS} layers`);
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

/** The image itself, where it can be read from anywhere. */
async function wholeView(source: Source, head: Uint8Array, context: Context): Promise<ImageView | undefined> {
  const { sizeBytes, seekable } = await source.facts(context);
  if (!seekable || sizeBytes === undefined) return undefined;
  return await blocksView(seekingBlocks(source, sizeBytes, head), context);
}

async function inspected(
  view: ImageView,
  { from, allowsNested = false }: LayerOptions,
  { limits }: Context,
): Promise<Pick<Peeled, "format" | "virtualSizeBytes" | "safety">> {
  // A fixed VHD is a raw disk with a footer that a pipe does not show beforehand.
  const isUnseenVhd = from === "vhd" && view.tail === undefined && findMarks(view).length === 0;
  const safety = await inspectContainer(view, {
    limits,
    allowsNested,
    ...(from === undefined || isUnseenVhd ? {} : { declared: from }),
  });
  const { format, virtualSizeBytes } = safety;
  if (isUnseenVhd) return { format: from, safety };
  return { format, safety, ...(virtualSizeBytes === undefined ? {} : { virtualSizeBytes }) };
}

function unsafe(name: string, why: string): ImportError {
  return new ImportError("IMAGE_UNSAFE", `Cannot unwrap "${name}" as ${why}`, {
    remedy: "Unpack it by hand, if you trust who made it",
  });
}
