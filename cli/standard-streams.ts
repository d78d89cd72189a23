import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import type { Writable } from "node:stream";
import { setImmediate } from "node:timers/promises";

/**
 * Standard output or standard error. Of a pipe or socket it is one of our own, since those of `process` cannot be closed:
 * what their reader has not taken would keep the program waiting for that reader, also after Ctrl-C.
 * https://nodejs.org/api/process.html#a-note-on-process-io
 */
export function standardStream(fd: 1 | 2): Writable {
  const stats = fstatSync(fd);
  if (stats.isFIFO() || stats.isSocket()) return new Socket({ fd, readable: false, writable: true });
  return fd === 1 ? process.stdout : process.stderr;
}

/** Gives up what a reader that stands still has not taken; what it was quick enough to take has gone out already. */
export async function abandon(...streams: readonly Writable[]): Promise<void> {
  await setImmediate(); // what was written in this turn may be on its way
  for (const stream of streams) if (stream.writableLength > 0) stream.destroy();
}
