import type { BundleManifest, BundlePart } from "../../manifest/bundle.ts";
import type { Bytes, Context, Receipt, Source } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { withSignal } from "../../pipeline/context.ts";
import { stepping } from "../../pipeline/progress.ts";
import { verify } from "../../stages/transforms/verify.ts";
import type { BundlePlace } from "./place.ts";

/** Parts on their way at once. Sources read ahead themselves, so a few are enough to hide the pauses between parts. */
const PARTS_IN_FLIGHT = 4;

/** For taking away what was copied, when the run's own signal no longer serves. */
const REMOVE_TIMEOUT_MS = 60_000;

export interface Transfer {
  readonly manifest: BundleManifest;
  /** The manifest as it stands, and its name; left out when it is not to be copied. */
  readonly document?: { readonly fileName: string; readonly text: Uint8Array };
  readonly from: BundlePlace;
  readonly to: BundlePlace;
  readonly overwrite: boolean;
  /** Called after each file that was made visible. */
  readonly onStored?: (fileName: string, context: Context) => Promise<void>;
}

/**
 * Copies the parts of a bundle, checking the SHA-1 of each, and its manifest last: without it nobody takes what is there for a bundle.
 * In every other ending what was copied is removed again. Throws CHECKSUM_MISMATCH, SIZE_MISMATCH naming the part, and what
 * source and destination throw.
 */
export async function transferBundle(transfer: Transfer, context: Context): Promise<readonly Receipt[]> {
  const { manifest, document, from, to, overwrite } = transfer;
  const stored: string[] = [];
  const receipts: Receipt[] = [];

  async function store(
    fileName: string,
    bytes: Bytes,
    sizeBytes: number | undefined,
    context: Context,
  ): Promise<void> {
    await using draft = await to
      .destination(fileName, { overwrite })
      .open(context, sizeBytes === undefined ? {} : { sizeBytes });
    await draft.write(bytes);
    receipts.push(await draft.commit());
    stored.push(fileName);
    await transfer.onStored?.(fileName, context);
  }

  try {
    await stepping("copy parts", context, manifest.image.bundledSizeBytes, async (moved) => {
      let doneBytes = 0;
      await eachAtOnce(manifest.image.parts, PARTS_IN_FLIGHT, context, async (part, context) => {
        const source = from.source(part.fileName);
        const { sizeBytes } = await source.facts(context);
        const counted = counting(partBytes(part, source, context), (bytes) => moved((doneBytes += bytes)));
        await store(part.fileName, counted, sizeBytes, context);
      });
      expectTotal(manifest, doneBytes, from);
    });
    if (document !== undefined) {
      await store(document.fileName, once(document.text), document.text.byteLength, context);
    }
    return receipts;
  } catch (error) {
    await removeAgain(to, stored, context, error);
    throw error;
  }
}

/** The content of one part as `source` has it, with its digest checked at its end. */
export function partBytes({ sha1 }: BundlePart, source: Source, context: Context): Bytes {
  const bytes = source.bytes(context);
  if (sha1 === undefined) return bytes;
  return verify({ algorithm: "sha1", digest: sha1, what: source.name }).transform(bytes, context);
}

/** Throws SIZE_MISMATCH when the parts together are not as long as the manifest states. */
export function expectTotal({ image }: BundleManifest, foundBytes: number, from: BundlePlace): void {
  if (foundBytes === image.bundledSizeBytes) return;
  throw new ImportError(
    "SIZE_MISMATCH",
    `Cannot use the parts of "${from.nameOf(image.name)}" as they have ${foundBytes} bytes: ${image.bundledSizeBytes} are stated`,
    { remedy: "Fetch the bundle again from where it was made" },
  );
}

/** Runs `work` over all items, some at once; the first failure stops the others, and is thrown when they have ended. */
async function eachAtOnce<T>(
  items: readonly T[],
  atOnce: number,
  context: Context,
  work: (item: T, context: Context) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const stopping = withSignal(context, stop.signal);
  const queue = items.values();
  let failure: { readonly error: unknown } | undefined;
  const lane = async (): Promise<void> => {
    for (const item of queue) {
      if (failure !== undefined) return;
      try {
        stopping.signal.throwIfAborted();
        await work(item, stopping);
      } catch (error) {
        failure ??= { error };
        stop.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  if (failure !== undefined) throw failure.error;
}

/** Cleaning up must also work when the run was aborted. What goes wrong with it must not hide why it was needed. */
async function removeAgain(
  to: BundlePlace,
  fileNames: readonly string[],
  context: Context,
  why: unknown,
): Promise<void> {
  if (fileNames.length === 0) return;
  try {
    await to.remove(fileNames, { ...context, signal: AbortSignal.timeout(REMOVE_TIMEOUT_MS) });
  } catch (error) {
    const reason = why instanceof Error ? why.message : "the run ended early";
    context.log.warn("cannot remove what was copied already", { fileNames, reason, error: String(error) });
  }
}

async function* counting(bytes: Bytes, count: (bytes: number) => void): Bytes {
  for await (const chunk of bytes) {
    yield chunk;
    count(chunk.byteLength);
  }
}

async function* once(bytes: Uint8Array): Bytes {
  if (bytes.byteLength > 0) yield bytes;
}
