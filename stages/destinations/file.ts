import { randomBytes } from "node:crypto";
import { type FileHandle, link, lstat, open, realpath, rename, rm, stat, statfs } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Context, Destination, Draft } from "../../pipeline/contract.ts";
import { ImportError, systemCode } from "../../pipeline/errors.ts";
import { formatBytes } from "../../pipeline/units.ts";
import { writeSparse } from "./sparse-writer.ts";
import { writing } from "./write-error.ts";

export interface FileDestinationOptions {
  /** Whether a file that is there already is replaced. Default false: it makes `open` and `commit` throw DESTINATION_EXISTS. */
  readonly overwrite?: boolean;
}

/**
 * A local file. The draft is a file `.NAME.diskferry-…` beside it, so that renaming is atomic; commit makes the content
 * durable, then the name. A file that is replaced hands its permissions on, and a symbolic link is followed: what it
 * points at is replaced. Runs of zeroes become holes; as a result may therefore be longer than what is free, too little
 * free space is only noted when opening.
 * Throws DESTINATION_EXISTS, DESTINATION_FULL, DESTINATION_FORBIDDEN, DESTINATION_NOT_FOUND, DESTINATION_UNAVAILABLE.
 */
export function fileDestination(path: string, options: FileDestinationOptions = {}): Destination {
  const { overwrite = false } = options;
  return {
    name: path,
    async open(context, { sizeBytes }) {
      const target = overwrite ? await replaceable(path) : path;
      if (!overwrite) await refuseExisting(path);
      const temporary = temporaryPath(target);
      const handle = await writing(path, () => open(temporary, "wx"));
      try {
        if (overwrite) await keepMode(target, handle);
        if (sizeBytes !== undefined) await noteFreeSpace(path, temporary, sizeBytes, context);
      } catch (error) {
        await discard(handle, temporary);
        throw error;
      }
      return fileDraft({ path, target, temporary, overwrite }, handle, context);
    },
  };
}

interface Names {
  /** As the user typed it. */
  readonly path: string;
  /** What will be replaced: `path` with its symbolic links followed. */
  readonly target: string;
  readonly temporary: string;
  readonly overwrite: boolean;
}

function fileDraft(names: Names, handle: FileHandle, context: Context): Draft {
  const { path, target, temporary, overwrite } = names;
  let done = false;
  return {
    path: temporary,
    async write(bytes) {
      const sizeBytes = await writeSparse(handle, bytes, context, { name: path, zeroes: "skip" });
      await writing(path, () => handle.truncate(sizeBytes));
    },
    async commit() {
      context.signal.throwIfAborted();
      return writing(path, async () => {
        const sizeBytes = await makeDurable(temporary);
        context.signal.throwIfAborted();
        if (overwrite) await rename(temporary, target);
        else await renameWithoutReplacing(temporary, target);
        done = true;
        await handle.close();
        await makeDurable(dirname(target));
        return { name: path, sizeBytes };
      });
    },
    async [Symbol.asyncDispose]() {
      if (done) return;
      done = true;
      await discard(handle, temporary);
    },
  };
}

/** Who could not read the file that is replaced cannot read what replaces it. */
async function keepMode(target: string, handle: FileHandle): Promise<void> {
  const old = await stat(target).catch(() => undefined); // there may be none
  if (old !== undefined) await writing(target, () => handle.chmod(old.mode & 0o777));
}

/** Opens anew, since an outside program may have put another file in the place of ours. */
async function makeDurable(path: string): Promise<number> {
  await using file = await open(path, "r");
  await file.sync();
  return (await file.stat()).size;
}

async function discard(handle: FileHandle, temporary: string): Promise<void> {
  await handle.close();
  await rm(temporary, { force: true });
}

/** `link` never replaces, so of two runs to one name the second fails, however closely they race. */
async function renameWithoutReplacing(temporary: string, target: string): Promise<void> {
  try {
    await link(temporary, target);
  } catch (error) {
    const code = systemCode(error);
    if (code === "EEXIST") throw existsError(target, error);
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "ENOSYS" && code !== "EMLINK") throw error;
    // FAT and some network file systems know no hard links; there a small window stays open.
    await refuseExisting(target);
    await rename(temporary, target);
    return;
  }
  await rm(temporary);
}

async function refuseExisting(path: string): Promise<void> {
  if (await exists(path)) throw existsError(path);
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    return writing(path, () => Promise.reject(error));
  }
}

function existsError(path: string, cause?: unknown): ImportError {
  return new ImportError("DESTINATION_EXISTS", `Cannot write "${path}" as it exists already`, {
    cause,
    remedy: "Choose another name, or replace it with --force",
  });
}

/** The path with its links followed; a folder, device or FIFO cannot be replaced by a file. */
async function replaceable(path: string): Promise<string> {
  if (!(await exists(path))) return path;
  const target = await writing(path, () => realpath(path));
  const stats = await writing(path, () => stat(target));
  if (stats.isFile()) return target;
  throw new ImportError(
    "DESTINATION_EXISTS",
    `Cannot replace "${path}" as it is ${stats.isDirectory() ? "a folder" : "no regular file"}: a file is wanted`,
    { remedy: "Name a file" },
  );
}

/** Hidden, beside the target, and with a name that cannot become too long. */
function temporaryPath(target: string): string {
  const name = basename(target).slice(0, 60);
  return join(dirname(target), `.${name}.diskferry-${randomBytes(6).toString("hex")}`);
}

async function noteFreeSpace(path: string, at: string, sizeBytes: number, context: Context): Promise<void> {
  const { bavail, bsize } = await writing(path, () => statfs(at));
  const freeBytes = bavail * bsize;
  if (sizeBytes <= freeBytes) return;
  const text =
    `"${path}" will be ${formatBytes(sizeBytes)} long and its file system has ${formatBytes(freeBytes)} free: ` +
    "it fits only if enough of it is zero";
  context.progress({ kind: "note", step: "write", text });
}
