import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertDisk } from "../../converters/index.ts";
import { type TargetFormat } from "../../pipeline/disk-format.ts";
import { type ImageInfo } from "../../programs/qemu-reports.ts";
import { qemuImg } from "../../programs/qemu-img.ts";
import { testContext } from "./context.ts";
import { hashingThreads } from "./hashing-threads.ts";

/**
 * Converts a small raw disk, and gives the argument list that qemu-img got, with the two paths as SOURCE and RESULT, and
 * what qemu-img says of the result.
 */
export async function conversion(
  target: TargetFormat,
  content: Uint8Array = Buffer.alloc(65_536, "x"),
): Promise<{ readonly args: readonly string[]; readonly info: ImageInfo }> {
  const folder = await mkdtemp(join(tmpdir(), "diskferry-test-"));
  try {
    const [source, result] = [join(folder, "source"), join(folder, "result")];
    await writeFile(source, content);
    let args: readonly string[] = [];
    const log = {
      warn() {},
      debug(_message: string, fields?: Readonly<Record<string, unknown>>) {
        const given = fields?.args;
        if (Array.isArray(given) && given[0] === "convert") args = given.map(String);
      },
    };
    const context = testContext({ threads: hashingThreads, log });
    await convertDisk({ from: { path: source, format: "raw" }, to: { path: result, ...target } }, context);
    return {
      args: args.map((arg) => arg.replaceAll(source, "SOURCE").replaceAll(result, "RESULT")),
      info: await qemuImg.info({ path: result, format: target.format }, context),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The source as qemu-img is given it. */
export const SOURCE_NODE = `json:{"driver":"raw","file":{"driver":"file","filename":"SOURCE"}}`;
