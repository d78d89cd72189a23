// npm run demo: takes a real Linux disk through the whole job, with the commands that a user would type.
import { execFile } from "node:child_process";
import { access, mkdir, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { CACHE_FOLDER } from "../fixtures/cache.ts";
import { linuxImage } from "../fixtures/linux-image.ts";
import { systemImage } from "../fixtures/system-image.ts";
import { formatBytes, formatDuration } from "../pipeline/units.ts";
import { findProgram } from "../test/support/find-program.ts";
import { ROOT, interruption, runTool } from "./program.ts";

const FOLDER = join(CACHE_FOLDER, "demo");
const KEY = join(FOLDER, "user.pem");
const CERTIFICATE = join(FOLDER, "user.cert.pem");

/** Of the disk that stands in for the Linux image where there is no Debian mirror. */
const FALLBACK_BYTES = 256 * 1024 * 1024;

interface Timing {
  readonly what: string;
  readonly ms: number;
}

const signal = interruption();
const timings: Timing[] = [];

try {
  process.exitCode = await demo();
} catch (error) {
  if (!signal.aborted) throw error;
  console.log("\nStopped; nothing half-made is left.");
  process.exitCode = 130;
}

async function demo(): Promise<number> {
  await mkdir(FOLDER, { recursive: true });
  heading("A real disk", "a small Linux, made from Debian's packages; kept for the next time");
  const image = await timed("make or reuse the image", makeImage);
  const { size, blocks } = await stat(image);
  console.log(`${shown(image)}: ${formatBytes(size)}, of which ${formatBytes(blocks * 512)} are data`);
  await diskferry("look into it", ["inspect", image]);

  heading(
    "An encrypted bundle",
    "as euca2ools and the EC2 AMI tools make them: tar, gzip, AES-128, parts of 10 MiB",
  );
  await timed("make keys", makeKeys);
  const bundle = join(FOLDER, "bundle");
  const manifest = join(bundle, "linux.manifest.xml");
  await mkdir(bundle, { recursive: true });
  const who = ["-u", "123456789012", "-k", KEY, "-c", CERTIFICATE, "-r", "x86_64"];
  await diskferry("bundle", ["bundle", "-i", image, "-p", "linux", "-d", bundle, ...who, "--force"]);

  heading(
    "And back",
    "parts checked and decrypted side by side, inflated, untarred, written sparse; no scratch space",
  );
  const raw = join(FOLDER, "linux.raw");
  const open = ["--key", KEY, "--verify-signature", CERTIFICATE, "--force"];
  await diskferry("bundle → raw", ["convert", manifest, raw, ...open]);

  if (findProgram("qemu-img") === undefined) {
    console.log("\nqemu-img is not installed, so the demo ends without a conversion; see: npm run doctor");
  } else {
    heading(
      "Into another format",
      "the same with a conversion; its tables are checked and its disk digest is compared",
    );
    const qcow2 = join(FOLDER, "linux.qcow2");
    await diskferry("bundle → qcow2", ["convert", manifest, qcow2, "--compress", "zstd", ...open]);
    heading(
      "Proof",
      "everything read again: the result against its manifest, and the disk against the first image",
    );
    await diskferry("verify", ["verify", qcow2]);
    await diskferry("compare", ["compare", image, qcow2]);
  }
  report(size);
  return 0;
}

async function makeImage(): Promise<string> {
  try {
    return await linuxImage(signal);
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    console.log(`(no Linux from Debian's packages: ${reason}; taking files of this machine instead)`);
    return await systemImage({ sizeBytes: FALLBACK_BYTES, signal });
  }
}

async function makeKeys(): Promise<void> {
  const there = await Promise.all(
    [KEY, CERTIFICATE].map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  if (there.every(Boolean)) return;
  const request = [
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "3650",
    "-subj",
    "/CN=diskferry demo",
  ];
  await promisify(execFile)("openssl", [...request, "-keyout", KEY, "-out", CERTIFICATE], { signal });
}

/** Runs one command as a user would, with its live progress. */
async function diskferry(what: string, args: readonly string[]): Promise<void> {
  console.log(`\n$ bin/diskferry ${args.map(shown).join(" ")}`);
  const status = await timed(what, () => runTool([join(ROOT, "bin", "diskferry"), ...args], { signal }));
  signal.throwIfAborted();
  if (status !== 0) throw new Error(`The demo stops here, as the command above ended with status ${status}`);
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedAtMs = performance.now();
  const result = await work();
  timings.push({ what, ms: performance.now() - startedAtMs });
  return result;
}

function heading(title: string, explanation: string): void {
  console.log(`\n── ${title}: ${explanation}`);
}

function report(sizeBytes: number): void {
  heading("What it took", `a disk of ${formatBytes(sizeBytes)}, start of each program included`);
  for (const { what, ms } of timings) {
    const rate = ms < 1000 || what.startsWith("make") ? "" : `${formatBytes((sizeBytes / ms) * 1000)}/s`;
    console.log(`  ${what.padEnd(24)} ${formatDuration(ms).padStart(12)} ${rate.padStart(12)}`);
  }
  const folder = shown(FOLDER);
  heading("Try next", "everything is still there");
  console.log(`  bin/diskferry convert ${folder}/linux.qcow2 ${folder}/linux.vmdk --subformat streamOptimized
  bin/diskferry convert ${folder}/bundle/linux.manifest.xml ${folder}/linux.vhd --key ${shown(KEY)} --explain
  bin/diskferry unbundle -m ${folder}/bundle/linux.manifest.xml -s ${folder}/bundle -d ${folder}/again.raw -k ${shown(KEY)}
  bin/diskferry digest ${folder}/linux.raw
  qemu-system-x86_64 -nographic -m 256 -snapshot -drive file=${folder}/linux.qcow2,format=qcow2,if=virtio
  bin/diskferry doctor
  bin/diskferry --help`);
}

/** A path as one would type it here. */
function shown(path: string): string {
  return path.startsWith(ROOT) ? relative(process.cwd(), path) : path;
}
