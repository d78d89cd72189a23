import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import test from "ava";
import lock from "../package-lock.json" with { type: "json" };
import manifest from "../package.json" with { type: "json" };
import { seededDisk } from "../fixtures/seeded.ts";
import { requires } from "./support/requires.ts";
import { ROOT } from "./support/source-files.ts";

const run = promisify(execFile);

/** The oldest Node that package.json promises. */
const OLDEST_NODE = "22.12.0";

/** Packing compiles, installing fetches what is not in npm's cache. */
const PATIENCE_MS = 300_000;

const folder = await mkdtemp(join(tmpdir(), "diskferry-package-"));
test.after.always(() => rm(folder, { recursive: true, force: true }));

/** An empty folder with the packed package and the oldest Node in it, made once for all tests of this file. */
const installed = (async () => {
  await run("npm", ["pack", "--pack-destination", folder], { cwd: ROOT });
  const tarball = join(folder, `${manifest.name}-${manifest.version}.tgz`);
  const consumer = join(folder, "consumer");
  await mkdir(consumer);
  await writeFile(join(consumer, "package.json"), JSON.stringify({ private: true }));
  const quiet = ["--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
  await run("npm", ["install", ...quiet, tarball], { cwd: consumer });
  const old = join(folder, "old-node");
  await mkdir(old);
  const wanted = { private: true, dependencies: { node: OLDEST_NODE }, allowScripts: { node: true } };
  await writeFile(join(old, "package.json"), JSON.stringify(wanted));
  await run("npm", ["install", ...quiet], { cwd: old });
  return {
    consumer,
    nodes: {
      [process.versions.node]: process.execPath,
      [OLDEST_NODE]: join(old, "node_modules", "node", "bin", "node"),
    },
  };
})();
// Whoever awaits it sees the error; it must not count as unhandled until then.
installed.catch(() => undefined);

test("no dependency that must be there runs a script when it is installed: it may need a compiler", (t) => {
  const entries = Object.entries(lock.packages);
  t.true(entries.length > 100);
  // npm leaves out an optional one whose script fails, and goes on.
  const needed = entries.filter(([, entry]) => !("dev" in entry) && !("optional" in entry));
  t.true(needed.length > 50, `${needed.length} packages`);
  t.deepEqual(
    needed.filter(([, entry]) => "hasInstallScript" in entry).map(([path]) => path),
    [],
  );
});

test.serial("npm pack holds compiled JavaScript and its manual, and nothing of the workshop", async (t) => {
  t.timeout(PATIENCE_MS);
  const { consumer } = await installed;
  const root = join(consumer, "node_modules", "diskferry");
  t.deepEqual((await readdir(root)).toSorted(), ["LICENSE", "README.md", "dist", "docs", "package.json"]);
  const files = (await readdir(join(root, "dist"), { recursive: true })).filter((path) =>
    /\.\w+$/.test(path),
  );
  t.true(files.length > 100, `${files.length} files`);
  t.deepEqual(
    files.filter((path) => !/\.js(\.map)?$/.test(path)),
    [],
  );
  const main = await readFile(join(root, manifest.bin.diskferry), "utf8");
  t.true(main.startsWith("#!/usr/bin/env node\n"));
});

test.serial("the installed command answers --version and --help", async (t) => {
  t.timeout(PATIENCE_MS);
  const { consumer } = await installed;
  const command = join(consumer, "node_modules", ".bin", "diskferry");
  const version = await run(command, ["--version"], { cwd: consumer });
  t.is(version.stdout, `${manifest.version}\n`);
  const help = await run(command, ["--help"], { cwd: consumer });
  t.regex(help.stdout, /Usage: diskferry/);
  t.is(help.stderr + version.stderr, "");
});

for (const kind of ["this", "the oldest"] as const) {
  requires("qemu-img")(
    `the installed package converts an image, with threads, on ${kind} Node`,
    async (t) => {
      t.timeout(PATIENCE_MS);
      const { consumer, nodes } = await installed;
      const node = kind === "this" ? process.execPath : (nodes[OLDEST_NODE] ?? "");
      const { stdout: version } = await run(node, ["--version"]);
      t.is(version.trim(), `v${kind === "this" ? process.versions.node : OLDEST_NODE}`);
      const work = await mkdtemp(join(folder, "work-"));
      const disk = seededDisk("package", { sizeBytes: 24 * 1024 * 1024 });
      await writeFile(join(work, "disk.raw.gz"), gzipSync(disk, { level: 1 }));
      await writeFile(join(work, "disk.raw"), disk);
      const diskferry = (...args: readonly string[]) =>
        run(node, [join(consumer, "node_modules", "diskferry", manifest.bin.diskferry), ...args], {
          cwd: work,
        });

      const converted = await diskferry("convert", "disk.raw.gz", "disk.qcow2", "--to", "qcow2", "--quiet");
      t.notRegex(converted.stderr, /Warning/);
      await run("qemu-img", [
        "compare",
        "-f",
        "raw",
        "-F",
        "qcow2",
        join(work, "disk.raw"),
        join(work, "disk.qcow2"),
      ]);
      const { stdout: digests, stderr } = await diskferry("compare", "disk.raw", "disk.qcow2");
      t.regex(digests, /identical/);
      t.notRegex(stderr, /Warning/);
      t.true((await diskferry("verify", "disk.qcow2")).stdout.length > 0);
    },
  );
}

requires("xz")(
  "the installed package decompresses xz, and without its optional part says how to get it",
  async (t) => {
    t.timeout(PATIENCE_MS);
    const { consumer } = await installed;
    const work = await mkdtemp(join(folder, "work-"));
    const disk = seededDisk("package", { sizeBytes: 1024 * 1024 });
    await writeFile(join(work, "disk.raw"), disk);
    await run("xz", ["disk.raw"], { cwd: work });
    // A copy, as other tests use the package at the same time.
    const partial = join(folder, "without-liblzma");
    await cp(join(consumer, "node_modules"), join(partial, "node_modules"), { recursive: true });
    await rm(join(partial, "node_modules", "node-liblzma"), { recursive: true });
    const digest = (from: string) =>
      run(
        process.execPath,
        [join(from, "node_modules", "diskferry", manifest.bin.diskferry), "digest", "disk.raw.xz"],
        { cwd: work },
      );
    t.regex((await digest(consumer)).stdout, /[0-9a-f]{64}/);
    const error = await t.throwsAsync(digest(partial));
    t.regex(String(error), /node-liblzma" is not installed/);
    t.regex(String(error), /npm install --ignore-scripts node-liblzma/);
  },
);
