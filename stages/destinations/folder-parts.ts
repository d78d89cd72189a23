import { randomBytes } from "node:crypto";
import { access, constants, link, lstat, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { ImportError, systemCode } from "../../pipeline/errors.ts";
import type { PartStore } from "../part-store.ts";
import { writing } from "./write-error.ts";

export interface FolderPartsOptions {
  /** Whether files that are there already are replaced. Default false. */
  readonly overwrite?: boolean;
}

/**
 * Files of a bundle in an existing folder. Until they are published they stand under hidden names beside their own,
 * synced to disk, so that publishing is a rename for each: a bundle that was there before stays whole until then.
 */
export function folderParts(folder: string, options: FolderPartsOptions = {}): PartStore {
  const { overwrite = false } = options;
  const suffix = `diskferry-${randomBytes(6).toString("hex")}`;
  const published = new Set<string>();
  const hidden = (fileName: string): string => join(folder, `.${fileName}.${suffix}`);

  async function refuseExisting(fileName: string): Promise<void> {
    const path = join(folder, fileName);
    const found = await lstat(path).catch((error: unknown) => {
      if (systemCode(error) === "ENOENT") return undefined;
      throw error;
    });
    if (found !== undefined) throw existsError(path);
  }

  return {
    name: folder,
    prepare: (manifestName) =>
      writing(folder, async () => {
        await access(folder, constants.W_OK | constants.X_OK);
        if (!overwrite) await refuseExisting(manifestName);
      }),
    write: (fileName, bytes, context) =>
      writing(join(folder, fileName), async () => {
        await using file = await open(hidden(fileName), "wx");
        for await (const chunk of bytes) {
          context.signal.throwIfAborted();
          for (let at = 0; at < chunk.byteLength;) at += (await file.write(chunk, at)).bytesWritten;
        }
        await file.sync();
      }),
    publish: (fileNames, context) =>
      writing(folder, async () => {
        for (const fileName of fileNames) {
          context.signal.throwIfAborted();
          const path = join(folder, fileName);
          if (overwrite) await rename(hidden(fileName), path);
          else await renameWithoutReplacing(hidden(fileName), path);
          published.add(fileName);
        }
        await using handle = await open(folder, "r");
        await handle.sync();
      }),
    async remove(fileNames) {
      for (const fileName of fileNames) {
        await rm(hidden(fileName), { force: true });
        if (published.delete(fileName)) await rm(join(folder, fileName), { force: true });
      }
    },
  };

  /** `link` never replaces; where there are no hard links, a small window stays open. */
  async function renameWithoutReplacing(from: string, to: string): Promise<void> {
    try {
      await link(from, to);
      await rm(from);
    } catch (error) {
      const code = systemCode(error);
      if (code === "EEXIST") throw existsError(to);
      if (code !== "EPERM" && code !== "ENOTSUP" && code !== "ENOSYS") throw error;
      await refuseExisting(to);
      await rename(from, to);
    }
  }
}

function existsError(path: string): ImportError {
  return new ImportError("DESTINATION_EXISTS", `Cannot write "${path}" as it exists already`, {
    remedy: "Choose another folder or prefix, or replace it with --force",
  });
}
