import { type FileHandle, open } from "node:fs/promises";
import { resolve } from "node:path";
import type { Blocks, Context } from "../../pipeline/contract.ts";
import { ImportError, systemCode } from "../../pipeline/errors.ts";
import { blockDeviceBytes } from "../block-device-size.ts";

/**
 * A local file or block device as it is. `extents` is one run of data, since Node cannot ask for holes: where they
 * matter, `decodedDisk` knows them. Throws SOURCE_NOT_FOUND, SOURCE_FORBIDDEN, SOURCE_UNSUITABLE for what is neither file
 * nor device, SOURCE_TRUNCATED when it is read past its end, SOURCE_UNAVAILABLE for errors of the disk.
 */
export async function fileBlocks(path: string, context: Context): Promise<Blocks> {
  context.signal.throwIfAborted();
  await using opening = new AsyncDisposableStack();
  const file = opening.use(await reading(path, () => open(path, "r")));
  const sizeBytes = await reading(path, () => sizeOf(path, file));
  const opened = opening.move();
  return {
    name: path,
    sizeBytes,
    locator: { kind: "file", path: resolve(path) },
    async read(offset, into, { signal }) {
      for (let at = 0; at < into.byteLength;) {
        signal.throwIfAborted();
        const { bytesRead } = await reading(path, () =>
          file.read(into, at, into.byteLength - at, offset + at),
        );
        if (bytesRead === 0) throw truncated(path, offset + at);
        at += bytesRead;
      }
    },
    async *extents(offset, length) {
      if (offset < 0 || length < 0 || offset + length > sizeBytes) throw truncated(path, sizeBytes);
      if (length > 0) yield { offset, length, kind: "data" };
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function sizeOf(path: string, file: FileHandle): Promise<number> {
  const stats = await file.stat({ bigint: true });
  if (stats.isFile()) return Number(stats.size);
  if (stats.isBlockDevice()) return await blockDeviceBytes(stats.rdev);
  throw new ImportError(
    "SOURCE_UNSUITABLE",
    `Cannot read "${path}" at random as it is no file and no device`,
    {
      remedy: "Name a file or a block device",
    },
  );
}

async function reading<T>(path: string, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    throw readError(error, path);
  }
}

/** What a system error of reading a local file means; anything else stays as it is. */
export function readError(error: unknown, path: string): unknown {
  const code = systemCode(error);
  if (code === undefined || error instanceof ImportError) return error;
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new ImportError("SOURCE_NOT_FOUND", `Cannot read "${path}" as it does not exist`, {
      cause: error,
      remedy: "Correct the path",
    });
  }
  if (code === "EACCES" || code === "EPERM") {
    return new ImportError("SOURCE_FORBIDDEN", `Cannot read "${path}" as access is denied`, {
      cause: error,
      remedy: "Run as a user who may read it",
    });
  }
  if (code === "EISDIR") {
    return new ImportError("SOURCE_UNSUITABLE", `Cannot read "${path}" as it is a folder`, {
      cause: error,
      remedy: "Name a file or a block device",
    });
  }
  return new ImportError("SOURCE_UNAVAILABLE", `Cannot read "${path}" as the system reports ${code}`, {
    cause: error,
    remedy: "Look into the system log for errors of the disk",
  });
}

function truncated(path: string, atByte: number): ImportError {
  return new ImportError("SOURCE_TRUNCATED", `Cannot read on in "${path}" as it ends at byte ${atByte}`, {
    remedy: "Look whether the file was copied completely, and whether something is writing to it",
  });
}
