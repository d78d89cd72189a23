import { execFile } from "node:child_process";
import { readFile, truncate, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { type PartitionTable, readPartitionTable } from "../../validators/disk/partition-table.ts";
import { memoryBlocks } from "./blocks.ts";
import { testContext } from "./context.ts";
import { findProgram } from "./find-program.ts";
import { temporaryFolder } from "./folder.ts";

export const MIB = 1024 * 1024;

/** A disk that sfdisk has partitioned by `script`; guard with `requires("sfdisk")`. */
export async function partitioned(script: string, sizeBytes = 16 * MIB): Promise<Buffer> {
  await using folder = await temporaryFolder();
  const path = folder.file("disk");
  await writeFile(path, "");
  await truncate(path, sizeBytes);
  const running = promisify(execFile)(findProgram("sfdisk") ?? "sfdisk", ["-q", path]);
  running.child.stdin?.end(script);
  await running;
  return await readFile(path);
}

/** The table of a disk in memory. */
export async function tableOf(disk: Uint8Array): Promise<PartitionTable | undefined> {
  return await readPartitionTable(memoryBlocks(disk), testContext());
}

/** Two partitions in a GPT with fixed GUIDs. */
export const GPT_SCRIPT = [
  "label: gpt",
  "label-id: 3E6BE9DE-8139-4A1C-9B6B-6469736B6665",
  "start=2048, size=2048, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=ESP, uuid=11111111-2222-3333-4444-555555555555",
  'start=4096, size=8192, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name="Wurzel ä", uuid=66666666-7777-8888-9999-AAAAAAAAAAAA, attrs=LegacyBIOSBootable',
  "",
].join("\n");

/** Two logical partitions in an MBR. */
export const EXTENDED_SCRIPT = "label: dos\ntype=5\nsize=2048, type=83\nsize=2048, type=83\n";
