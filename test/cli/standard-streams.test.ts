import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import test from "ava";
import { abandon } from "../../cli/standard-streams.ts";
import { seededBytes } from "../../fixtures/seeded.ts";
import { temporaryFolder } from "../support/folder.ts";

const MAIN = join(import.meta.dirname, "..", "..", "cli", "main.ts");
const MIB = 1024 * 1024;

for (const kind of ["pipe", "socket"] as const) {
  test(`standardStream() lets Ctrl-C end the program although the reader of its ${kind} stands still`, async (t) => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file("disk.raw"), seededBytes("stall", 8 * MIB));
    execFileSync("mkfifo", [folder.file("fifo")]);
    const fifo = openSync(folder.file("fifo"), "r+");
    const child = spawn(process.execPath, [MAIN, "convert", "disk.raw", "-", "--progress", "json"], {
      cwd: folder.path,
      env: { PATH: process.env.PATH, TMPDIR: folder.path },
      stdio: ["ignore", kind === "pipe" ? fifo : "pipe", "pipe"], // Node makes its own pipes of sockets
    });
    closeSync(fifo);
    const exited = once(child, "exit");
    let stderr = "";
    for await (const chunk of child.stderr!) {
      stderr += String(chunk);
      if (stderr.includes('"step":"write"') && !child.killed) child.kill("SIGINT");
    }
    t.deepEqual(await exited, [130, null], stderr);
    t.regex(stderr, /INTERRUPTED Stopped by SIGINT/);
    t.deepEqual((await readdir(folder.path)).sort(), ["disk.raw", "fifo"]);
  });
}

test("abandon() destroys what holds unread bytes and nothing else", async (t) => {
  const stalled = new PassThrough({ highWaterMark: 1 });
  stalled.on("error", () => undefined);
  stalled.write("not taken");
  stalled.write("nor this");
  const quick = new PassThrough();
  quick.resume();
  quick.write("taken");
  await abandon(stalled, quick);
  t.true(stalled.destroyed);
  t.false(quick.destroyed);
});
