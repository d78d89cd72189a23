import type { Bytes, Context, Destination, Draft, Receipt, Source, Stage } from "./contract.ts";
import { defined } from "./defined.ts";
import { type DiskDigester, diskDigester } from "./disk-digest.ts";
import { metered, meteredSink } from "./progress.ts";

export interface StreamResult {
  readonly receipt: Receipt;
  /** Of the bytes as they reached the destination, lower-case hex. */
  readonly diskDigest: string;
  readonly sizeBytes: number;
}

/** Sizes that are known beforehand. */
export interface Expected {
  /** The exact size of what will be written. */
  readonly sizeBytes?: number;
  /** About what will be read, for progress, where the source itself does not tell. */
  readonly sourceBytes?: number;
}

/**
 * The stream route: folds the stages over the source, hashes the disk that comes out, writes it and commits. A failure
 * or an abort anywhere disposes the draft, so that nothing becomes visible.
 */
export async function runStream(
  source: Source,
  stages: readonly Stage[],
  destination: Destination,
  context: Context,
  expected: Expected = {},
): Promise<StreamResult> {
  const digester = diskDigester(context);
  const sourceBytes = (await source.facts(context)).sizeBytes ?? expected.sourceBytes;
  let bytes = metered("read", source.bytes(context), context, total(sourceBytes));
  for (const stage of stages) {
    bytes = metered(stage.name, stage.transform(bytes, context), context, { upstream: bytes });
  }
  bytes = metered("digest", digesting(bytes, digester), context, { upstream: bytes });
  await using draft: Draft = await destination.open(context, defined({ sizeBytes: expected.sizeBytes }));
  await meteredSink("write", bytes, context, (input) => draft.write(input), total(expected.sizeBytes));
  const { digest, sizeBytes } = await digester.finish();
  return { receipt: await draft.commit(), diskDigest: digest, sizeBytes };
}

/** Copies a file as it is, without stages or digest, and commits. */
export async function copyFile(source: Source, destination: Destination, context: Context): Promise<Receipt> {
  const { sizeBytes } = await source.facts(context);
  const bytes = metered("read", source.bytes(context), context, total(sizeBytes));
  await using draft = await destination.open(context, sizeBytes === undefined ? {} : { sizeBytes });
  await meteredSink("write", bytes, context, (input) => draft.write(input), total(sizeBytes));
  return await draft.commit();
}

async function* digesting(bytes: Bytes, digester: DiskDigester): Bytes {
  for await (const chunk of bytes) {
    await digester.update(chunk);
    yield chunk;
  }
}

function total(totalBytes: number | undefined): { readonly totalBytes?: number } {
  return defined({ totalBytes });
}
