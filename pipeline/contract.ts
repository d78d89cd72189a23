import type { ThreadInput, ThreadOutput, ThreadTask } from "./thread-tasks.ts";

/**
 * Data that can only be read in order. Pull-based: nothing is opened before the first pull and
 * whatever was opened is closed when the consumer stops. A chunk belongs to whoever pulled it.
 */
export type Bytes = AsyncIterable<Uint8Array>;

/** A run of the disk that holds data, or that reads as zero and need not be read. Offsets and lengths are bytes. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
  readonly kind: "data" | "zero";
}

/** Random access to something of known size: a file, a remote object, a disk decoded by a qemu process. */
export interface Blocks extends AsyncDisposable {
  /** For people; never a secret, never a signed URL. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Where a thread can open the same bytes itself, so that they need not pass through the main thread. */
  readonly locator?: BlocksLocator;
  /** Fills `into` from `offset`; throws SOURCE_TRUNCATED when the end comes first. */
  read(offset: number, into: Uint8Array, context: Context): Promise<void>;
  /** The runs that cover `[offset, offset + length)`, in order, without gaps. */
  extents(offset: number, length: number, context: Context): AsyncIterable<Extent>;
}

/** What a thread needs to open Blocks for itself. */
export type BlocksLocator =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "nbd"; readonly socketPath: string; readonly exportName: string };

/** What can be said of a source without reading its content. */
export interface SourceFacts {
  /** Absent when the server does not tell or the data is a pipe. */
  readonly sizeBytes?: number;
  /** Changes when the content changes: an ETag, or size and modification time. */
  readonly identity?: string;
  /** True when `bytes(context, n)` starts at byte n without reading what is before it. */
  readonly seekable: boolean;
  /** Set for a regular file or block device that an outside program may open. */
  readonly localPath?: string;
}

/** Where bytes come from. */
export interface Source {
  /** For people; never a secret, never a signed URL. */
  readonly name: string;
  /** Asks once; repeated calls give the same answer. Throws SOURCE_NOT_FOUND, SOURCE_FORBIDDEN, SOURCE_UNAVAILABLE. */
  facts(context: Context): Promise<SourceFacts>;
  /**
   * The content from `fromByte` (default 0) to the end. Breaks of the connection are repaired inside;
   * a content that changed meanwhile throws SOURCE_CHANGED, one that ends early SOURCE_TRUNCATED.
   */
  bytes(context: Context, fromByte?: number): Bytes;
}

/** Bytes in, bytes out; pulls no further ahead than it states. */
export interface Stage {
  readonly name: string;
  transform(input: Bytes, context: Context): Bytes;
}

/** A place for a result. Opening it checks that writing can succeed, as far as that can be known beforehand. */
export interface Destination {
  readonly name: string;
  /** `sizeBytes` is the exact size of what will be written, where it is known. */
  open(context: Context, expected: { readonly sizeBytes?: number }): Promise<Draft>;
}

/** A result that nobody can see before `commit`; disposing without commit discards it in every ending. */
export interface Draft extends AsyncDisposable {
  /** Set where an outside program may write the result itself, instead of `write`. */
  readonly path?: string;
  /** Takes all bytes, in order. Called at most once. */
  write(bytes: Bytes): Promise<void>;
  /** Makes the result durable and visible. */
  commit(): Promise<Receipt>;
}

/** What was made visible. */
export interface Receipt {
  /** As a user would type it to read the result back. */
  readonly name: string;
  /** Bytes of the result as stored: the length of the file or object. */
  readonly sizeBytes: number;
  /** Of an object store, without quotes. */
  readonly etag?: string;
}

/** What happens while a step runs; reporting never throws and never waits. */
export type ProgressEvent =
  | { readonly kind: "started"; readonly step: string; readonly totalBytes?: number }
  | {
      readonly kind: "moved";
      readonly step: string;
      readonly doneBytes: number;
      readonly totalBytes?: number;
      /** Time spent in this step itself, without what it waited for the step before. */
      readonly ownMs: number;
    }
  | { readonly kind: "finished"; readonly step: string; readonly doneBytes: number; readonly ownMs: number }
  | { readonly kind: "note"; readonly step: string; readonly text: string };

/** Structured log; the fields never hold secrets. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** The disk space a run may use beside its result. */
export interface Scratch {
  /** Largest sum of reserved bytes at one time. */
  readonly limitBytes: number;
  /**
   * A new private file path in this run's scratch folder (made on first use, removed in every ending).
   * Throws SCRATCH_EXCEEDED when `sizeBytes` does not fit the limit or the file system's free space,
   * SCRATCH_UNWRITABLE when the folder cannot be written.
   */
  reserve(name: string, sizeBytes: number): Promise<ScratchFile>;
}

/** A reserved scratch file; disposing removes it and gives the bytes back. */
export interface ScratchFile extends AsyncDisposable {
  readonly path: string;
  /** Raises the reservation to `sizeBytes`, for content whose size shows only as it comes; throws like `reserve`. */
  grow(sizeBytes: number): Promise<void>;
}

/** Bounds that hold while bytes flow. */
export interface Limits {
  /** Largest image accepted, guest-visible. */
  readonly maxImageBytes: number;
  /** Largest output per input byte of a decompressor, once past the grace of `decompress`. */
  readonly maxRatio: number;
}

/** Worker threads; see `thread-tasks.ts` for what they can do. */
export interface Threads {
  /** How many run at once: what a look-ahead should be sized by. */
  readonly count: number;
  /** Whether one can be kept for as long as a stream flows (`hashStream`), with another left for everything else. */
  readonly hasSpare: boolean;
  run<T extends ThreadTask>(task: T, input: ThreadInput<T>, signal: AbortSignal): Promise<ThreadOutput<T>>;
}

/** What every call that waits is given. */
export interface Context {
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly scratch: Scratch;
  readonly threads: Threads;
  readonly limits: Limits;
  /** Where outside programs are looked for, as in PATH. Default: the standard folders. */
  readonly programPath?: string;
  progress(event: ProgressEvent): void;
}
