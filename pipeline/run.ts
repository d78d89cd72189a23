import type { Bytes, Context, Destination, Draft, Receipt, Source, Stage } from "./contract.ts";
import { type DiskDigester, diskDigester } from "./disk-digest.ts";
import { metered, meteredSink } from "./progress.ts";

export interface StreamResult {
  readonly receipt: Receipt;
  /** Of the bytes as they reached the destination. */
  readonly diskDigest: string;
  readonly sizeBytes: number;
}

/**
 * The stream route: folds the stages over the source, hashes what comes out, writes it and commits. A failure or an
 * abort anywhere disposes the draft, so that nothing becomes visible.
 */
export async function runStream(
  source: Source,
  stages: readonly Stage[],
  destination: Destination,
  context: Context,
  expected: { readonly sizeBytes?: number } = {},
): Promise<StreamResult> {
  const digester = diskDigester(context);
  const { sizeBytes: sourceBytes } = await source.facts(context);
  let bytes = metered("read", source.bytes(context), context, total(sourceBytes));
  for (const stage of stages) {
    bytes = metered(stage.name, stage.transform(bytes, context), context, { upstream: bytes });
  }
  bytes = metered("digest", digesting(bytes, digester), context, { upstream: bytes });
  await using draft: Draft = await destination.open(context, expected);
  await meteredSink("write", bytes, context, (input) => draft.write(input), total(expected.sizeBytes));
  const { digest, sizeBytes } = await digester.finish();
  return { receipt: await draft.commit(), diskDigest: digest, sizeBytes };
}

async function* digesting(bytes: Bytes, digester: DiskDigester): Bytes {
  for await (const chunk of bytes) {
    await digester.update(chunk);
    yield chunk;
  }
}

function total(totalBytes: number | undefined): { readonly totalBytes?: number } {
  return totalBytes === undefined ? {} : { totalBytes };
}
