import { execFile } from "node:child_process";
import { truncate, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { fileBlocks } from "../../stages/blocks/file.ts";
import { type FileSystem, identifyFileSystem } from "../../validators/disk/file-system.ts";
import { testContext } from "./context.ts";
import { findProgram } from "./find-program.ts";
import { temporaryFolder } from "./folder.ts";
import { requires } from "./requires.ts";

const run = promisify(execFile);

/** UUID of every volume made here whose maker lets us choose. */
export const UUID = "3e6be9de-8139-4a1c-9b6b-6469736b6665";

const MIB = 1024 * 1024;

/** How a real program makes a volume, and what must be found in it. */
export interface Maker {
  /** Program and arguments; the volume's path comes last. */
  readonly command: readonly [program: string, ...args: string[]];
  readonly sizeMib: number;
  readonly expected: Omit<FileSystem, "sizeBytes">;
  /** Whether the file system states its own size: then it must be that of the volume. Default true. */
  readonly statesSize?: boolean;
}

/** Makes a volume in `path` by a program. */
export async function makeVolume(
  path: string,
  { command, sizeMib }: Pick<Maker, "command" | "sizeMib">,
): Promise<void> {
  await writeFile(path, "");
  await truncate(path, sizeMib * MIB);
  const [program, ...args] = command;
  await run(findProgram(program) ?? program, [...args, path]);
}

/** What the whole of a file is found to be. */
export async function identified(path: string): Promise<FileSystem | undefined> {
  const context = testContext();
  await using blocks = await fileBlocks(path, context);
  return await identifyFileSystem(blocks, 0, blocks.sizeBytes, context);
}

/** What blkid, an independent reader, says of a volume: `TYPE`, `UUID`, `LABEL`. */
export async function blkid(path: string): Promise<Readonly<Record<string, string>>> {
  const { stdout } = await run(findProgram("blkid") ?? "blkid", ["-p", "-o", "export", path]);
  return Object.fromEntries(
    stdout.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

/** A test for each maker: label, UUID and size are found, and blkid agrees on the type where it has the same word. */
export function identifiesAll(makers: readonly Maker[]): void {
  for (const maker of makers) {
    const { command, expected, sizeMib, statesSize = true } = maker;
    const version = command.includes("luks1") ? " version 1" : "";
    requires(command[0], "blkid")(
      `identifyFileSystem() names ${expected.type}${version} with its label, UUID and size`,
      async (t) => {
        await using folder = await temporaryFolder();
        const path = folder.file("volume");
        await makeVolume(path, maker);
        const found = await identified(path);
        const { TYPE: type, UUID: uuid } = await blkid(path);
        t.like(found, expected);
        t.is(found?.label, expected.label);
        t.is(found?.uuid, uuid);
        if (type !== "vfat") t.is(found?.type, type);
        // NTFS keeps its last sector for a copy of the first.
        if (statesSize) t.true(Math.abs((found?.sizeBytes ?? 0) - sizeMib * MIB) <= 4096);
        else t.is(found?.sizeBytes, undefined);
      },
    );
  }
}
