import type { Context } from "../pipeline/contract.ts";
import { defined } from "../pipeline/defined.ts";
import { digestBlocks } from "../pipeline/digest-blocks.ts";
import { diskDigester } from "../pipeline/disk-digest.ts";
import { metered, meteredSink } from "../pipeline/progress.ts";
import { through } from "./head.ts";
import { openDisk } from "./open-disk.ts";
import type { ResolvedSource } from "./resolve-source.ts";
import { isOpenable, localImage } from "./spool.ts";

export interface SourceDigest {
  /** Disk digest, lower-case hex; see `disk-digest.ts`. */
  readonly digest: string;
  /** Guest-visible. */
  readonly sizeBytes: number;
}

/**
 * The disk digest of whatever a source holds. A raw disk that is wrapped or remote is hashed as it flows by; anything
 * else is decoded by a qemu process, from scratch where qemu cannot open it.
 */
export async function digestSource(source: ResolvedSource, context: Context): Promise<SourceDigest> {
  if (source.format === "raw" && !isOpenable(source)) {
    const digester = diskDigester(context);
    const read = metered(
      "read",
      source.source.bytes(context),
      context,
      defined({ totalBytes: source.sizeBytes }),
    );
    await meteredSink("digest", through(read, source.stages, context), context, async (bytes) => {
      for await (const chunk of bytes) await digester.update(chunk);
    });
    return await digester.finish();
  }
  await using image = await localImage(source, context);
  if (image.diskDigest !== undefined) return { digest: image.diskDigest, sizeBytes: image.sizeBytes };
  await using disk = await openDisk({ path: image.path, format: source.format }, context);
  return await digestBlocks(disk, context);
}
