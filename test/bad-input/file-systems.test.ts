import { execFile, execFileSync } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { EXIT_STATUS_OF } from "../../cli/exit-status.ts";
import { testIdentity } from "../../fixtures/keys.ts";
import { seededBytes } from "../../fixtures/seeded.ts";
import type { ErrorCode } from "../../pipeline/errors.ts";
import { temporaryFolder } from "../support/folder.ts";
import { processesWith } from "../support/processes.ts";
import { requires, requiresThat } from "../support/requires.ts";

const MAIN = join(import.meta.dirname, "..", "..", "cli", "main.ts");
const DISK = seededBytes("file system", 8 * 1024 * 1024);
const run = promisify(execFile);

/** Less than what is written, more than where writing begins. */
const SMALL = "size=3m";
const READ_ONLY = "ro";

function unmountable(): string | undefined {
  try {
    execFileSync("unshare", ["--mount", "mount", "-t", "tmpfs", "none", "/mnt"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "needs the right to mount";
  }
}

const reason = unmountable();
const test = reason === undefined ? requires("qemu-img", "qemu-nbd", "openssl") : requiresThat(reason);

/** `$1` is where to mount, `$2` how; the rest is the command. */
const MOUNTED = `
place=$1 options=$2; shift 2
mount -t tmpfs -o "$options" none "$place"
status=0; "$@" || status=$?
echo "$status $(ls -A "$place" | wc -l)" >&2
`;

/** Runs the program in a folder whose `place` is a file system of its own, and asserts how it ends and that nothing is left. */
function refusesThere(args: readonly string[], options: string, code: ErrorCode): void {
  test.serial(
    `${args.join(" ")} with "place" mounted with ${options} ends with ${code}, and leaves nothing`,
    async (t) => {
      await using folder = await temporaryFolder();
      const { certificatePath } = await testIdentity("user");
      await mkdir(folder.file("place"));
      await writeFile(folder.file("disk.raw"), DISK);
      await writeFile(folder.file("disk.raw.gz"), gzipSync(DISK, { level: 1 }));
      const before = await readdir(folder.path);
      const bundleFlags = args.some((word) => word.endsWith(".xml"))
        ? ["--cert", certificatePath, "--user", "1234"]
        : [];
      const command = [process.execPath, MAIN, ...args, ...bundleFlags, "--json", "--quiet"];
      const { stdout, stderr } = await run(
        "unshare",
        ["--mount", "sh", "-ec", MOUNTED, "sh", folder.file("place"), options, ...command],
        { cwd: folder.path, env: { PATH: process.env.PATH, TMPDIR: folder.path } },
      );
      const { error } = JSON.parse(stdout);
      t.is(error.code, code, error.message);
      t.truthy(error.remedy);
      t.is(stderr, `${EXIT_STATUS_OF[code]} 0\n`, "the exit status, and what is left there");
      t.deepEqual(await readdir(folder.path), before);
      t.deepEqual(processesWith(folder.path), []);
    },
  );
}

for (const [from, to] of [
  ["disk.raw.gz", "place/out.raw"],
  ["disk.raw.gz", "place/out.qcow2"],
  ["disk.raw", "place/out.raw"],
  ["disk.raw", "place/out.vdi"],
  ["disk.raw", "place/out.manifest.xml"],
] as const) {
  refusesThere(["convert", from, to], SMALL, "DESTINATION_FULL");
  refusesThere(["convert", from, to], READ_ONLY, "DESTINATION_FORBIDDEN");
}

const spooled = ["convert", "disk.raw.gz", "out.qcow2", "--scratch-dir", "place"];
refusesThere(spooled, SMALL, "SCRATCH_EXCEEDED");
refusesThere(spooled, READ_ONLY, "SCRATCH_UNWRITABLE");
