import type { Bytes, Context } from "../pipeline/contract.ts";

/** A place for the files of one bundle: a folder, or a prefix of a bucket. */
export interface PartStore {
  /** For people; never a secret. */
  readonly name: string;
  /**
   * Looks whether the store can be written and whether `manifestName` is free, if nothing may be replaced.
   * Throws DESTINATION_EXISTS, DESTINATION_NOT_FOUND, DESTINATION_FORBIDDEN.
   */
  prepare(manifestName: string, context: Context): Promise<void>;
  /** Stores one file. In a folder nobody sees it under its name before `publish`. */
  write(fileName: string, bytes: Bytes, context: Context): Promise<void>;
  /** Makes files that were written visible and durable, in this order. */
  publish(fileNames: readonly string[], context: Context): Promise<void>;
  /** Takes away what `write` or `publish` left of these files, if anything, in this order. Works after an abort as well. */
  remove(fileNames: readonly string[]): Promise<void>;
}
