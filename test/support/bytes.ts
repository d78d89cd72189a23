import type { Bytes } from "../../pipeline/contract.ts";

/** `content` in chunks of `chunkBytes`. */
export async function* chunked(content: Uint8Array, chunkBytes = 65_536): Bytes {
  for (let at = 0; at < content.byteLength; at += chunkBytes) yield content.subarray(at, at + chunkBytes);
}

/** All of `bytes` in one buffer; for content that is known to be small. */
export async function collect(bytes: Bytes): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}
