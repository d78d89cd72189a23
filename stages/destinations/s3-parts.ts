import type { Context } from "../../pipeline/contract.ts";
import type { PartStore } from "../part-store.ts";
import { type S3Access, formatS3Url } from "../s3-access.ts";
import { deleteS3Objects } from "../s3-objects.ts";
import { s3Destination } from "./s3.ts";

export interface S3PartsLocation {
  readonly bucket: string;
  /** In front of every file name, with its slash; may be empty. */
  readonly prefix: string;
}

export interface S3PartsOptions {
  /** Whether objects that are there already are replaced; a run that fails then leaves neither bundle. Default false. */
  readonly overwrite?: boolean;
}

/** For taking parts away after a failure or an abort, when the run's own signal no longer serves. */
const REMOVE_TIMEOUT_MS = 60_000;

/** Files of a bundle as objects of an S3 store. Parts stand under their names at once: the manifest makes the bundle. */
export function s3Parts(
  location: S3PartsLocation,
  access: S3Access,
  options: S3PartsOptions = {},
): PartStore {
  const { bucket, prefix } = location;
  const { overwrite = false } = options;
  const written = new Set<string>();
  let opened: Context | undefined;
  const at = (fileName: string) => s3Destination({ bucket, key: prefix + fileName }, access, { overwrite });
  return {
    name: formatS3Url({ bucket, key: prefix }).replace(/\/$/, ""),
    async prepare(manifestName, context) {
      opened = context;
      const draft = await at(manifestName).open(context, {});
      await draft[Symbol.asyncDispose]();
    },
    async write(fileName, bytes, context) {
      await using draft = await at(fileName).open(context, {});
      await draft.write(bytes);
      written.add(fileName); // before the commit, whose answer may get lost although it took place
      await draft.commit();
    },
    async publish() {},
    async remove(fileNames) {
      // What was there before and refused to be replaced is not ours to take away.
      const keys = fileNames
        .filter((fileName) => written.delete(fileName))
        .map((fileName) => prefix + fileName);
      if (opened === undefined || keys.length === 0) return;
      await deleteS3Objects(access, bucket, keys, {
        ...opened,
        signal: AbortSignal.timeout(REMOVE_TIMEOUT_MS),
      });
    },
  };
}
