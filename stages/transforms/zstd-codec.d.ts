/** The part of `zstd-codec` that is used; it ships no types. */
declare module "zstd-codec/lib/zstd-stream.js" {
  import type { Transform } from "node:stream";

  interface ZstdStreams {
    readonly ZstdDecompressTransform: new () => Transform;
  }
  const codec: { run(ready: (streams: ZstdStreams) => void): void };
  export default codec;
}
