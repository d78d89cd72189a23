import { stat } from "node:fs/promises";
import type { BundleManifest } from "../manifest/bundle.ts";
import type { Context, Source, SourceFacts, Stage } from "../pipeline/contract.ts";
import type { DiskFormat } from "../pipeline/disk-format.ts";
import { defined } from "../pipeline/defined.ts";
import type { SourceToPlan } from "../pipeline/plan.ts";
import { type ContainerReport, isMendable, refuseUnsafe } from "../validators/container/inspect-container.ts";
import { type Access, openLocation } from "./access.ts";
import { peeked } from "./head.ts";
import { type LayerOptions, peel } from "./layers.ts";
import { type Location, locationName } from "./location.ts";
import { isManifest, type ManifestContent, type ManifestOptions, openManifest } from "./manifest-source.ts";

export interface SourceOptions extends LayerOptions, ManifestOptions {}

/** A source with everything that was found out about it before the work. */
export interface ResolvedSource extends SourceToPlan, AsyncDisposable {
  readonly location: Location;
  /** The outermost bytes. */
  readonly source: Source;
  /** Unwrap the disk image from the outermost bytes. */
  readonly stages: readonly Stage[];
  readonly format: DiskFormat;
  readonly facts: SourceFacts;
  readonly bundle?: BundleManifest;
  /** What the inspection of the image, or of its beginning, found. */
  readonly safety: ContainerReport;
  /** Whether a raw disk may start like an image of another format, here and in the result. */
  readonly allowsNested: boolean;
  /** Whether the image is to be mended on a copy before anybody reads it. */
  readonly needsRepair: boolean;
}

/**
 * As `examineSource`, and the image is what it should be. Throws what that throws, and the code of the first rule of the
 * inspection that is broken.
 */
export async function resolveSource(
  location: Location,
  options: SourceOptions,
  access: Access,
  context: Context,
): Promise<ResolvedSource> {
  await using opening = new AsyncDisposableStack();
  const source = opening.use(await examineSource(location, options, access, context));
  if (!source.needsRepair) refuseUnsafe(source.name, source.safety);
  opening.move();
  for (const { outcome, found } of source.safety.results) {
    if (outcome === "broken")
      context.progress({ kind: "note", step: "inspect", text: `"${source.name}": ${found}` });
  }
  return source;
}

/**
 * Opens a location as far as is needed to say what it holds: about 1 MiB is read. Nothing is written. A bundle or
 * import manifest leads to the image it describes.
 */
export async function examineSource(
  location: Location,
  options: SourceOptions,
  access: Access,
  context: Context,
): Promise<ResolvedSource> {
  const opened = openLocation(location, access);
  const openedFacts = await opened.facts(context);
  const outer = peeked(opened, { readsOnce: await readsOnce(location) });
  const head = await outer.head(context);
  const content: ManifestContent = isManifest(location, head)
    ? await openManifest(location, outer, options, access, context)
    : { source: outer, head, layers: [], stages: [] };
  const { layers, stages, format, virtualSizeBytes, safety } = await peel(content, options, context);
  const facts: SourceFacts =
    content.source === outer
      ? openedFacts
      : { ...defined({ identity: openedFacts.identity }), ...(await content.source.facts(context)) };
  const needsRepair = options.repairs === true && isMendable(safety);
  const isUnwrapped = stages.length === content.stages.length;
  const imageBytes = isUnwrapped
    ? (content.imageBytes ?? (stages.length === 0 ? facts.sizeBytes : undefined))
    : undefined;
  return {
    location,
    name: locationName(location),
    source: content.source,
    facts,
    layers,
    stages,
    format,
    safety,
    allowsNested: options.allowsNested ?? false,
    needsRepair,
    // Where it is, it stays as it is.
    isLocalFile: facts.localPath !== undefined && !needsRepair,
    ...defined({
      sizeBytes: facts.sizeBytes ?? content.bundle?.image.bundledSizeBytes,
      imageBytes,
      virtualSizeBytes: virtualSizeBytes ?? (format === "raw" ? imageBytes : undefined),
      bundle: content.bundle,
    }),
    [Symbol.asyncDispose]: () => outer[Symbol.asyncDispose](),
  };
}

/** A pipe or FIFO gives its bytes once; everything else can be opened again. */
async function readsOnce(location: Location): Promise<boolean> {
  if (location.kind === "pipe") return true;
  return location.kind === "file" && (await stat(location.path)).isFIFO();
}
