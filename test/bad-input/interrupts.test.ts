import { link, mkdir, readdir, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { testIdentity } from "../../fixtures/keys.ts";
import { seededBytes } from "../../fixtures/seeded.ts";
import { startDiskferry } from "../support/diskferry.ts";
import { temporaryFolder } from "../support/folder.ts";
import { processesWith } from "../support/processes.ts";
import { requires } from "../support/requires.ts";
import { type TestBucket, s3Bucket } from "../support/s3-bucket.ts";
import { S3_PROGRAMS } from "../support/s3-server.ts";
import { keysIn } from "../support/stored-bundle.ts";

/** Enough that no step is over before the signal arrives. */
const DISK = seededBytes("interrupted", 48 * 1024 * 1024);
const GZIPPED = gzipSync(DISK, { level: 1 });
const LINES = ["--progress", "json"];

const local = requires("qemu-img", "qemu-nbd", "openssl");
const stored = requires("qemu-img", "qemu-nbd", "openssl", ...S3_PROGRAMS);

/** What is typed, and the steps in each of which Ctrl-C is pressed. */
const LOCAL: readonly (readonly [args: readonly string[], steps: readonly string[]])[] = [
  [
    ["convert", "disk.raw", "out.qcow2"],
    ["convert", "compare"],
  ],
  [["convert", "disk.raw.gz", "out.raw"], ["write"]],
  [["convert", "disk.raw.gz", "out.vmdk", "--compress"], ["convert"]],
  [["convert", "disk.raw", "out.manifest.xml", "--cert", "CERT", "--user", "1"], ["write"]],
  [["digest", "disk.raw"], ["digest"]],
  [["compare", "disk.raw", "copy.raw"], ["read second"]],
  [["bundle", "-i", "disk.raw", "-d", "place", "-r", "x86_64", "-u", "1", "-c", "CERT"], ["write"]],
];

for (const [args, steps] of LOCAL) {
  for (const step of steps) {
    local.serial(
      `Ctrl-C while ${args.join(" ")} is in "${step}" ends it with 130, and leaves nothing`,
      async (t) => {
        await using folder = await prepared();
        const before = await readdir(folder.path, { recursive: true });
        const { certificatePath } = await testIdentity("user");
        const typed = args.map((word) => word.replace(/^CERT$/, certificatePath));
        const { child, printed, ended } = startDiskferry([...typed, ...LINES], folder.path);
        await printed(new RegExp(`"started","step":"${step}"`));
        child.kill("SIGINT");
        const { status, stdout, stderr } = await ended;
        t.is(status, 130, stderr);
        t.is(stdout, "");
        t.regex(stderr, /^diskferry: INTERRUPTED Stopped by SIGINT; unfinished work was removed$/m);
        t.deepEqual(await readdir(folder.path, { recursive: true }), before);
        t.deepEqual(processesWith(folder.path), []);
      },
    );
  }
}

/** What is written to a store, in parts that each take several requests. */
for (const [name, more] of [
  ["disk.raw", []],
  ["disk.qcow2", []],
  ["disk.manifest.xml", ["--cert", "CERT", "--user", "1"]],
] as const) {
  stored.serial(
    `Ctrl-C while convert writes ${name} to a store ends it with 130, and leaves no object and no upload`,
    async (t) => {
      await using folder = await prepared();
      const before = await readdir(folder.path, { recursive: true });
      const { certificatePath } = await testIdentity("user");
      const store = await s3Bucket();
      const url = `s3://${store.bucket}/${name}`;
      const flags = more.map((word) => word.replace(/^CERT$/, certificatePath));
      const args = ["convert", "disk.raw", url, ...accessTo(store), ...flags, ...LINES];
      const { child, printed, ended } = startDiskferry(args, folder.path);
      await printed(/"moved","step":"write"/);
      child.kill("SIGINT");
      const { status, stderr } = await ended;
      t.is(status, 130, stderr);
      t.deepEqual(await keysIn(store), []);
      t.is(await store.uploadCount(), 0);
      t.deepEqual(await readdir(folder.path, { recursive: true }), before);
    },
  );
}

function accessTo({ server }: TestBucket): readonly string[] {
  return ["-U", server.endpoint, "-I", server.accessKeyId, "-S", server.secretAccessKey];
}

async function prepared() {
  const folder = await temporaryFolder();
  await mkdir(folder.file("place"));
  await writeFile(folder.file("disk.raw"), DISK);
  await link(folder.file("disk.raw"), folder.file("copy.raw"));
  await writeFile(folder.file("disk.raw.gz"), GZIPPED);
  return folder;
}
