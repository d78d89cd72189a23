import { execFile } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { ROOT } from "./support/source-files.ts";

interface Outcome {
  readonly status: number;
  readonly stderr: string;
  /** The command lines that the fake programs got. */
  readonly calls: readonly string[];
}

/** A clone without packages, and a PATH with nothing but the fakes that a test puts there. */
class FreshClone {
  readonly #folder: string;
  constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(t: ExecutionContext): Promise<FreshClone> {
    const folder = await mkdtemp(join(tmpdir(), "diskferry-setup-"));
    t.teardown(() => rm(folder, { recursive: true }));
    await mkdir(join(folder, "bin"));
    await cp(join(ROOT, "scripts"), join(folder, "scripts"), { recursive: true });
    const lock = { packages: { "": {}, "node_modules/one": { version: "1.0.0" } } };
    await writeFile(join(folder, "package-lock.json"), JSON.stringify(lock));
    return new FreshClone(folder);
  }

  /** A program that writes down its name and arguments, then runs `script`. */
  async fake(name: string, script = "exit 0"): Promise<void> {
    const path = join(this.#folder, "bin", name);
    await writeFile(path, `#!/bin/sh\necho "${name} $*" >> "${this.#folder}/calls"\n${script}\n`);
    await chmod(path, 0o755);
  }

  /** What npm would leave: its record and a Node that runs. */
  async packages(version = "1.0.0"): Promise<void> {
    const modules = join(this.#folder, "node_modules");
    await mkdir(join(modules, "node", "bin"), { recursive: true });
    await symlink(process.execPath, join(modules, "node", "bin", "node"));
    const record = { packages: { "node_modules/one": { version } } };
    await writeFile(join(modules, ".package-lock.json"), JSON.stringify(record));
  }

  async setup(...args: readonly string[]): Promise<Outcome> {
    const env = { PATH: join(this.#folder, "bin") };
    const { status, stderr } = await new Promise<{ status: number; stderr: string }>((resolve) => {
      const child = execFile(
        process.execPath,
        [join(this.#folder, "scripts", "setup.mjs"), ...args],
        { env },
        (_, __, text) => resolve({ status: child.exitCode ?? -1, stderr: text }),
      );
    });
    const calls = await readFile(join(this.#folder, "calls"), "utf8").catch(() => "");
    return { status, stderr, calls: calls.split("\n").filter((line) => line !== "") };
  }
}

test("setup.mjs does and says nothing when nothing is missing", async (t) => {
  const clone = await FreshClone.make(t);
  await clone.packages();
  await clone.fake("npm");
  t.deepEqual(await clone.setup("--npm-only"), { status: 0, stderr: "", calls: [] });
});

test("setup.mjs runs npm ci when there are no packages, and says what to do when it fails", async (t) => {
  const clone = await FreshClone.make(t);
  await clone.fake("npm", "exit 1");
  const { status, stderr, calls } = await clone.setup("--npm-only");
  t.is(status, 1);
  t.is(calls.length, 1);
  t.regex(calls[0] ?? "", /^npm ci /);
  t.regex(stderr, /Cannot install the npm packages.*node scripts\/setup\.mjs/s);
});

test("setup.mjs runs npm ci when a package is of another version than the lock file says", async (t) => {
  const clone = await FreshClone.make(t);
  await clone.packages("0.9.0");
  await clone.fake("npm");
  const { status, stderr, calls } = await clone.setup("--npm-only");
  t.is(status, 0);
  t.regex(calls[0] ?? "", /^npm ci /);
  t.regex(stderr, /node_modules\/one/);
});

test("setup.mjs rebuilds the package of Node when npm ran no install scripts", async (t) => {
  const clone = await FreshClone.make(t);
  await clone.fake("npm");
  const { status, stderr, calls } = await clone.setup("--npm-only");
  t.is(status, 1);
  t.regex(calls[1] ?? "", /^npm rebuild node --ignore-scripts=false/);
  t.regex(stderr, /allow the install script of the npm package "node"/);
});

test("setup.mjs names the missing programs and goes on where it may not install them", async (t) => {
  const clone = await FreshClone.make(t);
  await clone.packages();
  const { status, stderr, calls } = await clone.setup();
  t.is(status, 0);
  t.deepEqual(calls, []);
  t.regex(stderr, /Missing programs: .*qemu-img/);
  t.regex(stderr, /Going on without: .*npm run doctor/);
});

test("setup.mjs installs by apt-get, without a question and without recommended packages", async (t) => {
  const clone = await FreshClone.make(t);
  await clone.packages();
  await clone.fake("apt-get");
  await clone.fake("sudo", 'shift\nexec "$@"');
  await clone.fake("env");
  await clone.fake("true");
  const { status, stderr, calls } = await clone.setup("--tests");
  t.is(status, 0);
  const text = calls.join("\n");
  t.regex(text, /^env DEBIAN_FRONTEND=noninteractive sh -c/m);
  t.regex(text, /policy-rc\.d/, "no daemon is started");
  t.regex(text, /apt-get .*--no-install-recommends .*install .*qemu-utils .*radosgw/);
  t.regex(stderr, /Going on without: .*qemu-img/, "the fake installed nothing");
});

test("setup.mjs refuses a flag it does not know", async (t) => {
  const { status, stderr } = await (await FreshClone.make(t)).setup("--test");
  t.is(status, 2);
  t.regex(stderr, /Cannot understand "--test"/);
});
