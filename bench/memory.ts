import { rm } from "node:fs/promises";
import { join } from "node:path";
import { testIdentity } from "../fixtures/keys.ts";
import { systemImage } from "../fixtures/system-image.ts";
import { startS3 } from "../test/support/s3-server.ts";
import type { BenchResult } from "./result.ts";
import { benchFolder, diskferry, run } from "./subject.ts";
import { makeBucket, s3Environment } from "./s3.ts";

const LIMIT_MIB = 256;

/** Peak memory of our own process on every kind of route, with a disk of 3 GiB; children are counted apart. */
export async function benchMemory(): Promise<readonly BenchResult[]> {
  const image = await systemImage({ signal: new AbortController().signal });
  await using folder = await benchFolder();
  await using server = await startS3();
  const environment = s3Environment(server);
  await makeBucket(environment);
  const at = (name: string) => join(folder.path, name);
  const user = await testIdentity("bench");
  const bundle = at("system.raw.manifest.xml");
  const results: BenchResult[] = [];

  async function measure(name: string, title: string, ...args: readonly string[]): Promise<void> {
    const peakMib = await diskferry([...args, "--scratch-dir", folder.path], environment);
    const samples = { "peak MiB": [Math.round(peakMib)] };
    results.push({ name, title, value: peakMib, unit: "MiB", target: { atMost: LIMIT_MIB }, samples });
  }

  const keys = ["-c", user.certificatePath, "--ec2cert", user.certificatePath, "-k", user.keyPath];
  const owner = ["-u", "000123456789", "-r", "x86_64"];
  await measure("rss-bundle", "raw → bundle", "bundle", "-i", image, "-d", folder.path, ...keys, ...owner);
  await measure("rss-unbundle", "bundle → raw", "convert", bundle, at("a.raw"), "--key", user.keyPath);
  await measure("rss-spool", "bundle → qcow2", "convert", bundle, at("b.qcow2"), "--key", user.keyPath);
  await measure(
    "rss-decode",
    "qcow2 → compressed qcow2",
    "convert",
    at("b.qcow2"),
    at("c.qcow2"),
    "--compress",
  );
  await measure("rss-verify", "verify a qcow2", "verify", at("b.qcow2"));
  await measure("rss-compare", "compare raw with qcow2", "compare", at("a.raw"), at("b.qcow2"));
  await measure("rss-upload", "qcow2 → S3", "convert", at("c.qcow2"), "s3://bench/c.qcow2");
  await measure("rss-download", "S3 qcow2 → raw", "convert", "s3://bench/c.qcow2", at("d.raw"));
  for (const [program, extension] of [
    ["xz", "xz"],
    ["zstd", "zst"],
    ["bzip2", "bz2"],
  ] as const) {
    await run("sh", ["-c", `head -c 512M "$0" | ${program} -1 -c > "$1"`, image, at(`e.raw.${extension}`)]);
    await measure(
      `rss-${extension}`,
      `raw.${extension} → raw`,
      "convert",
      at(`e.raw.${extension}`),
      at(`e-${extension}.raw`),
    );
    await rm(at(`e-${extension}.raw`));
  }
  return results;
}
