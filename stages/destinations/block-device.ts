import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import type { Bytes, Context, Destination, Draft } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { formatBytes } from "../../pipeline/units.ts";
import { blockDeviceBytes, hasFastZeroes } from "../block-device-size.ts";
import { writeSparse } from "./sparse-writer.ts";
import { writing } from "./write-error.ts";

/** Boot sector, both partition tables and the usual superblocks lie in it: without it nothing takes the device for a disk. */
export const HEAD_BYTES = 1024 * 1024;

/** Makes the device read as zero from its start for `lengthBytes`, unmapping where it can; false when it did not. */
export type ZeroRange = (path: string, lengthBytes: number, context: Context) => Promise<boolean>;

/** The largest logical block of any device: only whole ones can be cleared. */
const BLOCK_BYTES = 4096;

export interface BlockDeviceOptions {
  /**
   * Used instead of writing zeroes where the kernel says that the device makes them itself, and the size is known
   * beforehand. Default: zeroes are written.
   */
  readonly zeroRange?: ZeroRange;
}

/**
 * A block device, which is opened exclusively: one that is mounted or in use throws DESTINATION_FORBIDDEN. What was on it
 * is lost from the first byte written on, whatever happens; but its first {@link HEAD_BYTES} are cleared first and
 * written last, so that until commit nothing can take it for a disk. What lies behind them and the image is left as it is.
 * Throws DESTINATION_TOO_SMALL, before anything is written where the size is known, DESTINATION_NOT_FOUND,
 * DESTINATION_FORBIDDEN, DESTINATION_UNAVAILABLE, and ARGUMENT_INVALID for what is no block device.
 */
export function blockDeviceDestination(path: string, options: BlockDeviceOptions = {}): Destination {
  return {
    name: path,
    async open(context, { sizeBytes }) {
      const stats = await writing(path, () => stat(path, { bigint: true }));
      if (!stats.isBlockDevice()) {
        throw new ImportError(
          "ARGUMENT_INVALID",
          `Cannot write "${path}" as a device: it is no block device`,
        );
      }
      const deviceBytes = await writing(path, () => blockDeviceBytes(stats.rdev));
      const admit = admitting(path, deviceBytes);
      admit(sizeBytes ?? 0);
      const device = await writing(path, () => open(path, constants.O_RDWR | constants.O_EXCL));
      try {
        const { zeroRange } = options;
        const isWhole = sizeBytes !== undefined && sizeBytes > 0 && sizeBytes % BLOCK_BYTES === 0;
        const cleared =
          isWhole &&
          zeroRange !== undefined &&
          (await hasFastZeroes(stats.rdev)) &&
          (await zeroRange(path, sizeBytes, context));
        return deviceDraft({ path, deviceBytes, device }, context, {
          admit,
          zeroes: cleared ? "skip" : "write",
        });
      } catch (error) {
        await device.close();
        throw error;
      }
    },
  };
}

function admitting(path: string, deviceBytes: number): (endByte: number) => void {
  return (endByte) => {
    if (endByte <= deviceBytes) return;
    throw new ImportError(
      "DESTINATION_TOO_SMALL",
      `Cannot write "${path}" as it holds ${formatBytes(deviceBytes)} (${deviceBytes} bytes): ${endByte} bytes or more are wanted`,
      { remedy: "Choose a larger device" },
    );
  };
}

interface Device {
  readonly path: string;
  readonly deviceBytes: number;
  readonly device: FileHandle;
}

interface DeviceWriteOptions {
  readonly admit: (endByte: number) => void;
  readonly zeroes: "skip" | "write";
}

function deviceDraft(
  { path, deviceBytes, device }: Device,
  context: Context,
  options: DeviceWriteOptions,
): Draft {
  const head = Buffer.alloc(HEAD_BYTES);
  let headBytes = 0;
  let sizeBytes = 0;

  /** Keeps the head back and passes the rest on. */
  async function* behindHead(bytes: Bytes): Bytes {
    for await (const chunk of bytes) {
      if (headBytes === HEAD_BYTES) {
        yield chunk;
        continue;
      }
      const taken = Math.min(HEAD_BYTES - headBytes, chunk.byteLength);
      options.admit(headBytes + taken);
      head.set(chunk.subarray(0, taken), headBytes);
      headBytes += taken;
      if (taken < chunk.byteLength) yield chunk.subarray(taken);
    }
  }

  return {
    async write(bytes) {
      await writing(path, async () => {
        await writeAll(device, Buffer.alloc(Math.min(HEAD_BYTES, deviceBytes)));
        await device.sync();
      });
      const endByte = await writeSparse(
        device,
        behindHead(bytes),
        context,
        { name: path, ...options },
        HEAD_BYTES,
      );
      sizeBytes = headBytes < HEAD_BYTES ? headBytes : endByte;
    },
    async commit() {
      context.signal.throwIfAborted();
      await writing(path, async () => {
        await device.sync(); // the head must not reach the device before what it points at
        await writeAll(device, head.subarray(0, headBytes));
        await device.sync();
        await device.close();
      });
      return { name: path, sizeBytes };
    },
    async [Symbol.asyncDispose]() {
      await device.close();
    },
  };
}

async function writeAll(device: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) {
    const { bytesWritten } = await device.write(bytes, at, bytes.byteLength - at, at);
    at += bytesWritten;
  }
}
