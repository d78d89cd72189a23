// Brings a fresh clone to the point where everything runs: npm packages, the tree's own Node 24, outside programs.
// Plain JavaScript for any Node from 18 on, because it runs before the Node that can run the rest is there.
// Scripts that follow it in package.json start with `env node`: the shell that ran this file remembers where it
// found `node` then, and would start the old one again; `env` looks it up anew.
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BASE_PROGRAMS, TEST_PROGRAMS } from "./outside-programs.mjs";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const TREE_NODE = join(
  ROOT,
  "node_modules",
  "node",
  "bin",
  process.platform === "win32" ? "node.exe" : "node",
);
const OLDEST_NODE_MAJOR = 18;

/** Package lists older than this may name files that the mirror no longer has. */
const LISTS_FRESH_MS = 24 * 3600 * 1000;

/** Administrators' folders: where `mke2fs` is, and not on the PATH of an ordinary user of Debian. */
const EXTRA_PATH = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

const USAGE = `Usage: node scripts/setup.mjs [--tests] [--npm-only]
  --tests     also what the tests need: a real S3 server and the makers of file systems
  --npm-only  npm packages and Node, no outside programs`;

/** @param {string[]} args */
function main(args) {
  const unknown = args.find((arg) => !["--tests", "--npm-only"].includes(arg));
  if (unknown !== undefined) return fail(`Cannot understand "${unknown}"\n${USAGE}`, 2);
  const major = Number(process.versions.node.split(".")[0]);
  if (major < OLDEST_NODE_MAJOR) {
    return fail(`Cannot set up with Node ${process.versions.node}: wanted ${OLDEST_NODE_MAJOR} or newer`, 1);
  }
  if (!installNpmPackages()) return 1;
  if (args.includes("--npm-only")) return 0;
  return installPrograms(args.includes("--tests") ? { ...BASE_PROGRAMS, ...TEST_PROGRAMS } : BASE_PROGRAMS);
}

/** Answers whether the tree's packages and its Node are in place, after installing them if they were not. */
function installNpmPackages() {
  const lacking = lackingPackages();
  if (lacking.length > 0) {
    say(`Installing npm packages (${lacking.slice(0, 3).join(", ")}${lacking.length > 3 ? ", …" : ""})`);
    if (!npm(["ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"])) {
      fail("Cannot install the npm packages; see above, then run again: node scripts/setup.mjs", 1);
      return false;
    }
  }
  // Of all install scripts only that of the package "node" is wanted: it fetches the binary. Others would build native
  // code that is not used, with a compiler that may not be there.
  if (treeNodeMajor() === undefined)
    npm(["rebuild", "node", "--ignore-scripts=false", "--foreground-scripts"]);
  if (treeNodeMajor() === undefined) {
    fail(
      `Cannot run "${TREE_NODE}"; allow the install script of the npm package "node" and run: npm rebuild node`,
      1,
    );
    return false;
  }
  return true;
}

/**
 * Names what the lock file wants and node_modules has not. Compares with npm's own record of what it installed, so
 * that `npm install` and `npm ci` both count, and a switch of branches is noticed.
 */
function lackingPackages() {
  const record = join(ROOT, "node_modules", ".package-lock.json");
  if (!existsSync(record)) return ["all"];
  const wanted = readLock(join(ROOT, "package-lock.json"));
  const present = readLock(record);
  return Object.keys(wanted).filter(
    (path) => path !== "" && !wanted[path]?.optional && present[path]?.version !== wanted[path]?.version,
  );
}

/** @param {string} path @returns {Record<string, { version?: string, optional?: boolean }>} */
function readLock(path) {
  return JSON.parse(readFileSync(path, "utf8")).packages;
}

function treeNodeMajor() {
  const { status, stdout } = spawnSync(TREE_NODE, ["--version"], { encoding: "utf8" });
  return status === 0 ? Number(/^v(\d+)/.exec(stdout)?.[1]) : undefined;
}

/** Runs npm with the Node that runs us; inside an npm script it is the same npm. @param {string[]} args */
function npm(args) {
  const script = process.env.npm_execpath;
  const { status } =
    script !== undefined && /npm-cli\.c?js$/.test(script)
      ? spawnSync(process.execPath, [script, ...args], { cwd: ROOT, stdio: "inherit" })
      : spawnSync("npm", args, { cwd: ROOT, stdio: "inherit", shell: process.platform === "win32" });
  return status === 0;
}

/**
 * Installs the Debian packages of missing programs where this may be done without asking; otherwise says what to
 * type and lets the rest go on, since most of diskferry works without any one of them.
 * @param {Readonly<Record<string, string>>} programs
 */
function installPrograms(programs) {
  const missing = () => Object.keys(programs).filter((program) => !isInstalled(program));
  const before = missing();
  if (before.length === 0) return 0;
  const packages = [...new Set(before.map((program) => programs[program] ?? program))];
  const line = `apt-get install --no-install-recommends ${packages.join(" ")}`;
  const prefix = rootPrefix();
  if (!isInstalled("apt-get"))
    say(`Missing programs: ${before.join(", ")}. Install them with your system's tools.`);
  else if (prefix === undefined)
    say(`Missing programs: ${before.join(", ")}. Install them with: sudo ${line}`);
  else {
    say(`Installing ${packages.join(" ")}`);
    if (!aptInstall(prefix, packages))
      say(`Cannot install them all. Try: sudo apt-get update && sudo ${line}`);
  }
  const after = missing();
  if (after.length > 0)
    say(`Going on without: ${after.join(", ")}. What needs them will say so; see: npm run doctor`);
  return 0;
}

/** @param {string} program */
function isInstalled(program) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...EXTRA_PATH];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false; // not in this folder
    }
  });
}

/** What makes a command run as root without a question, or undefined where nothing does. */
function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  const { status } = spawnSync("sudo", ["-n", "true"], { stdio: "ignore" });
  return status === 0 ? ["sudo", "-n"] : undefined;
}

/**
 * Debian starts the daemon of a package it installs, unless /usr/sbin/policy-rc.d says no (exit status 101). We need
 * programs, not services, so a policy is put there for the time being where the system has none.
 */
const QUIETLY = `set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' INT TERM
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
"$@"`;

/** @param {string[]} prefix @param {string[]} packages */
function aptInstall(prefix, packages) {
  /** @param {string[]} command */
  const asRoot = (command) => {
    const [program = "env", ...args] = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", ...command];
    return spawnSync(program, args, { stdio: ["ignore", "ignore", "inherit"] }).status === 0;
  };
  const update = () => asRoot(["apt-get", "-qq", "update"]);
  const apt = [
    "apt-get",
    "-qq",
    "-y",
    "--no-install-recommends",
    "-o",
    "DPkg::Lock::Timeout=120",
    "-o",
    "Dpkg::Use-Pty=0",
  ];
  const install = () => asRoot(["sh", "-c", QUIETLY, "quietly", ...apt, "install", ...packages]);
  const updated = !listsAreFresh() && update();
  return install() || (!updated && update() && install());
}

function listsAreFresh() {
  const folder = "/var/lib/apt/lists";
  if (!existsSync(folder)) return false;
  const lists = readdirSync(folder).filter((name) => name.includes("_Packages"));
  return lists.length > 0 && Date.now() - statSync(folder).mtimeMs < LISTS_FRESH_MS;
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

/** @param {string} text @param {number} status */
function fail(text, status) {
  say(text);
  return status;
}

process.exitCode = main(process.argv.slice(2));
