import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createDecipheriv } from "node:crypto";
import { createGunzip } from "node:zlib";
import { type OpensslBundle, makeOpensslBundle } from "../fixtures/bundle-by-openssl.ts";
import { systemImage } from "../fixtures/system-image.ts";
import { type BundleManifest, parseBundleManifest } from "../manifest/bundle.ts";
import { DEFAULT_LIMITS, silentLogger } from "../pipeline/context.ts";
import type { Context } from "../pipeline/contract.ts";
import { runStream } from "../pipeline/run.ts";
import { scratchFolder } from "../pipeline/scratch.ts";
import { fileDestination } from "../stages/destinations/file.ts";
import { bundleSource } from "../stages/sources/bundle.ts";
import { fileSource } from "../stages/sources/file.ts";
import { threadPool } from "../stages/threads/pool.ts";
import { unbundleStages } from "../stages/transforms/unbundle.ts";
import { type BenchResult, inTurn, median } from "./result.ts";
import { benchFolder } from "./subject.ts";

const IMAGE_BYTES = 3 * 1024 ** 3;
const CONTENT_BYTES = 1.5 * 1024 ** 3;
const PART_BYTES = 10 * 1024 * 1024;
const RUNS = 5;

/** What people do without us: the same bundle, through pipes, checking nothing; made durable, as ours is. */
const SHELL_CHAIN = `
set -euo pipefail
cat -- "\${@:4}" | openssl enc -d -aes-128-cbc -K "$1" -iv "$2" | gzip -dc | tar -xO >"$3"
sync -- "$3"
`;

/**
 * A bundle in a local folder → a sparse raw file, every digest checked, against the shell's chain, which checks none,
 * and against node:zlib inflating the same bytes into nothing.
 */
export async function benchUnbundle(): Promise<readonly BenchResult[]> {
  const { signal } = new AbortController();
  const image = await systemImage({ sizeBytes: IMAGE_BYTES, contentBytes: CONTENT_BYTES, signal });
  await using folder = await benchFolder();
  const bundle = await makeOpensslBundle({ image, folder: folder.path, partSizeBytes: PART_BYTES, keys: {} });
  const manifest = parseBundleManifest(await readFile(bundle.manifestPath));
  const partPaths = bundle.partNames.map((name) => join(folder.path, name));
  const gzipPath = join(folder.path, "decrypted.gz");
  await decryptTo(gzipPath, partPaths, bundle);
  await using scratch = scratchFolder();
  const samples = await inTurn(
    {
      ours: () => unbundle(folder.path, manifest, bundle, { signal, scratch }),
      shell: () => shellChain(join(folder.path, "shell.raw"), partPaths, bundle),
      zlib: () => inflate(gzipPath),
    },
    RUNS,
  );
  const oursMs = median(samples.ours);
  return [
    {
      name: "unbundle",
      title: "bundle → sparse raw, all digests checked: openssl | gzip | tar by ours",
      value: median(samples.shell) / oursMs,
      unit: "ratio",
      target: { atLeast: 3 },
      samples,
    },
    {
      name: "unbundle",
      title: "the same: ours by node:zlib inflating alone (less is better)",
      value: oursMs / median(samples.zlib),
      unit: "ratio",
      target: { atMost: 1.5 },
      samples,
    },
  ];
}

async function unbundle(
  folder: string,
  manifest: BundleManifest,
  { key, iv }: OpensslBundle,
  shared: Pick<Context, "signal" | "scratch">,
): Promise<void> {
  await using threads = threadPool();
  const context: Context = {
    ...shared,
    threads,
    log: silentLogger,
    limits: DEFAULT_LIMITS,
    progress: () => undefined,
  };
  const source = bundleSource({
    name: "bundle",
    manifest,
    keys: { key: Buffer.from(key, "hex"), iv: Buffer.from(iv, "hex") },
    openPart: (fileName) => fileSource(join(folder, fileName)),
  });
  const destination = fileDestination(join(folder, "ours.raw"), { overwrite: true });
  await runStream(source, unbundleStages(manifest), destination, context, {
    sizeBytes: manifest.image.sizeBytes,
  });
}

async function shellChain(
  into: string,
  partPaths: readonly string[],
  { key, iv }: OpensslBundle,
): Promise<void> {
  const child = spawn("bash", ["-c", SHELL_CHAIN, "chain", key, iv, into, ...partPaths], {
    stdio: "inherit",
  });
  const [status] = await once(child, "close");
  if (status !== 0) throw new Error(`The shell's chain ended with ${status}`);
}

async function inflate(gzipPath: string): Promise<void> {
  const inflated = createReadStream(gzipPath, { highWaterMark: 1024 * 1024 }).pipe(
    createGunzip({ chunkSize: 1024 * 1024 }),
  );
  for await (const _chunk of inflated);
}

async function decryptTo(
  path: string,
  partPaths: readonly string[],
  { key, iv }: OpensslBundle,
): Promise<void> {
  const decipher = createDecipheriv("aes-128-cbc", Buffer.from(key, "hex"), Buffer.from(iv, "hex"));
  async function* ciphertext() {
    for (const part of partPaths) yield* createReadStream(part);
  }
  await pipeline(Readable.from(ciphertext()), decipher, createWriteStream(path));
}
