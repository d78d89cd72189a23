import { type FileHandle, open, stat } from "node:fs/promises";
import { type BigIntStats, constants } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Bytes, Context, Source, SourceFacts } from "../../pipeline/contract.ts";
import { type ErrorCode, ImportError, systemCode } from "../../pipeline/errors.ts";
import { blockDeviceBytes } from "../block-device-size.ts";

/** Large enough that the cost of a call vanishes, small enough to stay in the cache until the next stage reads it. */
const READ_BYTES = 1024 * 1024;

/** Reads under way beside the chunk being consumed: one keeps the disk busy, the other hides a slow turn of the event loop. */
const READS_AHEAD = 2;

/**
 * A local file, block device or FIFO. Files and devices are seekable; a file is pinned by size and modification time,
 * so that one which changes between `facts` and the last byte throws SOURCE_CHANGED.
 * Throws SOURCE_NOT_FOUND, SOURCE_FORBIDDEN, SOURCE_UNSUITABLE (a folder), SOURCE_TRUNCATED, SOURCE_UNAVAILABLE (a failing disk).
 */
export function fileSource(path: string): Source {
  let look: Promise<Look> | undefined;
  const lookOnce = () => (look ??= lookAt(path));
  return {
    name: path,
    facts: async () => (await lookOnce()).facts,
    async *bytes(context, fromByte = 0): Bytes {
      const { facts, isFifo } = await lookOnce();
      const { sizeBytes, identity } = facts;
      context.signal.throwIfAborted();
      let isOver = false;
      const wake = () => {
        if (isFifo) void wakeReader(path, () => isOver);
      };
      context.signal.addEventListener("abort", wake, { once: true });
      try {
        await using file = await openForReading(path);
        context.signal.throwIfAborted();
        const changed = async () => identityOf(await file.stat({ bigint: true })) !== identity;
        if (await changed()) throw changedError(path);
        if (sizeBytes === undefined) yield* readPipe(file, path, context, fromByte);
        else {
          yield* readAhead(file, path, context, fromByte, sizeBytes, changed);
          if (await changed()) throw changedError(path);
        }
      } finally {
        isOver = true;
        context.signal.removeEventListener("abort", wake);
      }
    },
  };
}

interface Look {
  readonly facts: SourceFacts;
  readonly isFifo: boolean;
}

/**
 * Ends the opening or reading of a FIFO that waits for a writer, which nothing else can: by being one, and writing a
 * byte that nobody will use. Without a reader that cannot be opened: the call of ours may be on its way there still, so it is
 * tried again until `isOver`.
 */
async function wakeReader(path: string, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    try {
      await using writer = await open(path, constants.O_WRONLY | constants.O_NONBLOCK);
      await writer.write("\0");
      return;
    } catch (error) {
      if (systemCode(error) !== "ENXIO") return; // not ours to write, or gone: then nothing can be done
      await nextTurn();
    }
  }
}

async function lookAt(path: string): Promise<Look> {
  const stats = await reading(path, () => stat(path, { bigint: true }));
  if (stats.isDirectory()) {
    throw new ImportError("SOURCE_UNSUITABLE", `Cannot read "${path}" as it is a folder: a file is wanted`, {
      remedy: "Name the file itself; of a bundle, name its .manifest.xml",
    });
  }
  const identity = identityOf(stats);
  if (stats.isFile()) {
    const sizeBytes = Number(stats.size);
    return { facts: { sizeBytes, identity, seekable: true, localPath: path }, isFifo: false };
  }
  if (stats.isBlockDevice()) {
    const sizeBytes = await reading(path, () => blockDeviceBytes(stats.rdev));
    return { facts: { sizeBytes, identity, seekable: true, localPath: path }, isFifo: false };
  }
  return { facts: { identity, seekable: false }, isFifo: stats.isFIFO() };
}

/** The modification time of a device or a FIFO says nothing about its content. */
function identityOf(stats: BigIntStats): string {
  if (stats.isFile()) return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}`;
  return `${stats.dev}:${stats.ino}:${stats.rdev}`;
}

async function* readAhead(
  file: FileHandle,
  path: string,
  context: Context,
  fromByte: number,
  sizeBytes: number,
  changed: () => Promise<boolean>,
): Bytes {
  const ahead: Promise<Uint8Array>[] = [];
  let askedTo = fromByte;
  const askAhead = () => {
    for (; ahead.length <= READS_AHEAD && askedTo < sizeBytes; askedTo += READ_BYTES) {
      const chunk = readExactly(file, path, askedTo, Math.min(READ_BYTES, sizeBytes - askedTo));
      chunk.catch(() => undefined); // seen when its turn comes; must not count as unhandled until then
      ahead.push(chunk);
    }
  };
  try {
    for (;;) {
      context.signal.throwIfAborted();
      askAhead();
      const chunk = await ahead.shift();
      if (chunk === undefined) return;
      yield chunk;
    }
  } catch (error) {
    if (error instanceof ImportError && error.code === "SOURCE_TRUNCATED" && (await changed())) {
      throw changedError(path, error);
    }
    throw error;
  } finally {
    await Promise.allSettled(ahead); // the file must not be closed under a read
  }
}

async function readExactly(
  file: FileHandle,
  path: string,
  offset: number,
  lengthBytes: number,
): Promise<Uint8Array> {
  const chunk = Buffer.allocUnsafeSlow(lengthBytes);
  for (let filled = 0; filled < lengthBytes;) {
    const { bytesRead } = await reading(path, () =>
      file.read(chunk, filled, lengthBytes - filled, offset + filled),
    );
    if (bytesRead === 0) {
      throw new ImportError(
        "SOURCE_TRUNCATED",
        `Cannot read "${path}" at byte ${offset + filled} as the file ends there: ${offset + lengthBytes} bytes or more are wanted`,
      );
    }
    filled += bytesRead;
  }
  return chunk;
}

/** A FIFO cannot seek: what is before `fromByte` is read and dropped. */
async function* readPipe(file: FileHandle, path: string, context: Context, fromByte: number): Bytes {
  let at = 0;
  for (;;) {
    context.signal.throwIfAborted();
    const chunk = Buffer.allocUnsafeSlow(READ_BYTES);
    const { bytesRead } = await reading(path, () => file.read(chunk, 0, READ_BYTES, null));
    context.signal.throwIfAborted();
    if (bytesRead === 0) return;
    const from = Math.max(0, fromByte - at);
    at += bytesRead;
    if (from < bytesRead) yield chunk.subarray(from, bytesRead);
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  return reading(path, () => open(path, "r"));
}

const FORBIDDEN = [
  "SOURCE_FORBIDDEN",
  "this user may not",
  "Allow your user to read it, or run diskferry as a user who may",
] as const;

/** Code, reason and remedy by what the system answers. */
const REASONS: Readonly<Record<string, readonly [ErrorCode, string, string]>> = {
  ENOENT: ["SOURCE_NOT_FOUND", "it does not exist", "Check the path"],
  ENOTDIR: ["SOURCE_NOT_FOUND", "a part of the path is no folder", "Check the path"],
  ENAMETOOLONG: ["SOURCE_NOT_FOUND", "the path is too long", "Check the path"],
  ELOOP: ["SOURCE_NOT_FOUND", "its symbolic links lead in a circle", "Check the path"],
  ENXIO: ["SOURCE_UNSUITABLE", "no device is behind it", "Attach the device first, or name a file"],
  EACCES: FORBIDDEN,
  EPERM: FORBIDDEN,
};

async function reading<T>(path: string, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    const systemError = systemCode(error);
    if (systemError === undefined || error instanceof ImportError) throw error;
    const [code, reason, remedy] = REASONS[systemError] ?? [
      "SOURCE_UNAVAILABLE",
      `the system answers ${systemError}`,
      "Look into the system log for errors of the disk",
    ];
    throw new ImportError(code, `Cannot read "${path}" as ${reason}`, { cause: error, remedy });
  }
}

function changedError(path: string, cause?: unknown): ImportError {
  return new ImportError(
    "SOURCE_CHANGED",
    `Cannot go on with "${path}" as it was written to while it was read`,
    {
      cause,
      remedy: "Stop what writes to the file, or work on a copy of it",
    },
  );
}
