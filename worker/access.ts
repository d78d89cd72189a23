import type { Readable, Writable } from "node:stream";
import type { Source } from "../pipeline/contract.ts";
import type { S3Access } from "../stages/s3-access.ts";
import { fileSource } from "../stages/sources/file.ts";
import { type HttpSourceOptions, httpSource } from "../stages/sources/http.ts";
import { s3Source } from "../stages/sources/s3.ts";
import { streamSource } from "../stages/sources/stream.ts";
import { type Location, locationName } from "./location.ts";

/** How a run reaches what its locations name. */
export interface Access {
  readonly s3: S3Access;
  readonly http?: HttpSourceOptions;
  /** What `-` means as a source, and as a destination. */
  readonly input: Readable;
  readonly output: Writable;
}

/** The source that a location names; nothing is opened yet. */
export function openLocation(location: Location, access: Access): Source {
  switch (location.kind) {
    case "file":
      return fileSource(location.path);
    case "pipe":
      return streamSource(access.input, locationName(location));
    case "http":
      return httpSource(location.url, access.http);
    case "s3":
      return s3Source({ bucket: location.bucket, key: location.key }, access.s3);
  }
}
