import { mkdtemp, rm, watch } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "../pipeline/contract.ts";
import { ImportError } from "../pipeline/errors.ts";
import { startProgram } from "./process.ts";
import { programError } from "./program-error.ts";
import type { ProgramExit, ProgramSpec } from "./program-spec.ts";
import { QEMU_LIMITS } from "./qemu-limits.ts";
import { type ImageFile, imageNode } from "./qemu-node.ts";
import { openError } from "./qemu-open-error.ts";

export const QEMU_NBD = { program: "qemu-nbd", debianPackage: "qemu-utils" } as const;

/** Connections at one time: the main thread's and one a worker thread, with room to spare. */
const MAX_CLIENTS = 64;

/** A server for one run; no run may hold a disk open for longer. */
const SERVE_TIMEOUT_MS = 24 * 60 * 60_000;

/** sun_path of unix(7), with the final zero byte. */
const MAX_SOCKET_PATH_BYTES = 107;

/** A disk that can be read through a private socket until it is disposed. */
export interface ServedDisk extends AsyncDisposable {
  readonly socketPath: string;
  readonly exportName: string;
  /** Resolves when the server ends, for whatever reason. */
  readonly exited: Promise<ProgramExit>;
}

/**
 * Serves the decoded disk read-only on a unix socket in a folder that only this user can enter. Resolves once clients
 * can connect. Throws PROGRAM_MISSING, PROGRAM_FAILED; IMAGE_CORRUPT and SOURCE_UNSUITABLE when it cannot be opened.
 */
export async function serveDisk(image: ImageFile, context: Context): Promise<ServedDisk> {
  await using cleanup = new AsyncDisposableStack();
  const folder = await mkdtemp(join(shortTmpdir(), "diskferry-nbd-"));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const socketPath = join(folder, "socket");
  const exportName = "disk";
  const spec: ProgramSpec = {
    ...QEMU_NBD,
    args: [
      "--read-only",
      "--persistent",
      `--shared=${MAX_CLIENTS}`,
      `--socket=${socketPath}`,
      `--export-name=${exportName}`,
      `--pid-file=${join(folder, PID_FILE)}`,
      imageNode(image),
    ],
    reads: [image.path],
    writes: [folder],
    timeoutMs: SERVE_TIMEOUT_MS,
    limits: { ...QEMU_LIMITS, fileSizeBytes: PID_FILE_BYTES },
  };
  using watched = new DisposableStack();
  const listening = pidFileWritten(folder, context, watched);
  listening.catch(() => undefined); // awaited below, unless the start fails first
  const server = cleanup.use(await startProgram(spec, context));
  const exit = await Promise.race([listening, server.exited]).catch((error: unknown) => {
    context.signal.throwIfAborted(); // the reason of the abort, instead of the watcher's own words for it
    throw error;
  });
  context.signal.throwIfAborted();
  if (exit !== undefined) {
    throw exit.status === 1 ? openError(image, exit.stderrTail) : programError(spec, exit);
  }
  const whole = cleanup.move();
  return {
    socketPath,
    exportName,
    exited: server.exited,
    [Symbol.asyncDispose]: () => whole.disposeAsync(),
  };
}

/** qemu-nbd writes it when it listens (qemu-nbd.c: after `qio_net_listener_open_sync`), so nothing has to be tried. */
const PID_FILE = "pid";

/** All that qemu-nbd has to write; whatever an image makes it open, it cannot write there. */
const PID_FILE_BYTES = 64;

async function pidFileWritten(
  folder: string,
  context: Context,
  watched: DisposableStack,
): Promise<undefined> {
  const stop = new AbortController();
  watched.defer(() => stop.abort());
  const signal = AbortSignal.any([context.signal, stop.signal]);
  for await (const { filename } of watch(folder, { signal })) {
    if (filename === PID_FILE) return undefined;
  }
  return undefined;
}

function shortTmpdir(): string {
  const folder = tmpdir();
  const longest = Buffer.byteLength(join(folder, "diskferry-nbd-XXXXXX", "socket"));
  if (longest <= MAX_SOCKET_PATH_BYTES) return folder;
  throw new ImportError(
    "SCRATCH_UNWRITABLE",
    `Cannot make a socket in "${folder}" as its path would have ${longest} bytes: at most ${MAX_SOCKET_PATH_BYTES} are allowed`,
    { remedy: "Set TMPDIR to a folder with a shorter path" },
  );
}
