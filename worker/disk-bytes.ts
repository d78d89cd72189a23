import type { Bytes, Context } from "../pipeline/contract.ts";
import { metered } from "../pipeline/progress.ts";
import { sequential } from "../stages/blocks/sequential.ts";
import { through } from "./head.ts";
import { openDisk } from "./open-disk.ts";
import type { ResolvedSource } from "./resolve-source.ts";
import { isOpenable, localImage } from "./spool.ts";

/**
 * The guest-visible disk of a source, from its first byte to its last, whatever it is wrapped in; `step` names the
 * reading in progress. What had to be spooled is gone when the consumer stops.
 */
export async function* diskBytes(source: ResolvedSource, step: string, context: Context): Bytes {
  if (source.format === "raw" && !isOpenable(source)) {
    const total = source.sizeBytes === undefined ? {} : { totalBytes: source.sizeBytes };
    yield* through(metered(step, source.source.bytes(context), context, total), source.stages, context);
    return;
  }
  await using image = await localImage(source, context);
  await using disk = await openDisk({ path: image.path, format: source.format }, context);
  yield* metered(step, sequential(disk).bytes(context), context, { totalBytes: disk.sizeBytes });
}
