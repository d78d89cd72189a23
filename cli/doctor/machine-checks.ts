import { writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { statfs } from "node:fs/promises";
import { hashLeaf } from "../../pipeline/disk-digest.ts";
import { formatBytes, formatDuration } from "../../pipeline/units.ts";
import type { Check } from "./check.ts";

/** As in package.json: the first with `require` of ES modules and everything that diskferry uses. */
const WANTED_NODE = [22, 12] as const;

/** Nothing of diskferry is older, so a clock before it is wrong. */
const FIRST_RELEASE = Date.parse("2026-11-01T00:00:00Z");

/** Signed requests that are older or newer are refused (AWS: 15 minutes); warn well before. */
const MAX_SKEW_MS = 5 * 60_000;

export const nodeVersion: Check = {
  name: "Node.js",
  look() {
    const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
    const ok = major > WANTED_NODE[0] || (major === WANTED_NODE[0] && minor >= WANTED_NODE[1]);
    return Promise.resolve({
      ok,
      detail: `version ${process.versions.node}, ${WANTED_NODE.join(".")} or later is wanted`,
      ...(ok ? {} : { fix: "Install a newer Node.js, see https://nodejs.org" }),
    });
  },
};

/** Hashing in a thread must give what it gives here. */
export const threads: Check = {
  name: "threads",
  async look({ threads, signal }) {
    const memory = new SharedArrayBuffer(4096);
    const found = await threads.run("hashBlock", { memory, lengthBytes: memory.byteLength }, signal);
    const ok = Buffer.compare(found, hashLeaf(new Uint8Array(memory.byteLength))) === 0;
    return {
      ok,
      detail: ok ? `a thread starts and hashes, ${threads.count} may run at once` : "a thread hashes wrongly",
      ...(ok ? {} : { fix: "Have the memory of this machine tested" }),
    };
  },
};

export const scratchSpace: Check = {
  name: "scratch folder",
  async look({ scratch }) {
    await using file = await scratch.reserve("doctor", 4096);
    await writeFile(file.path, Buffer.alloc(4096));
    const { bavail, bsize } = await statfs(file.path);
    return {
      ok: true,
      detail: `"${dirname(dirname(file.path))}" can be written, ${formatBytes(bavail * bsize)} free`,
    };
  },
};

export const clock: Check = {
  name: "clock",
  async look({ signal }, { endpoint }) {
    const now = new Date();
    if (now.getTime() < FIRST_RELEASE) {
      return {
        ok: false,
        detail: `it says ${now.toISOString()}, which is past`,
        fix: "Set the clock, for example with: timedatectl set-ntp true",
      };
    }
    if (endpoint === undefined)
      return { ok: true, detail: `it says ${now.toISOString()}; --url compares it with a store` };
    const response = await fetch(endpoint, { method: "HEAD", redirect: "manual", signal });
    const theirs = Date.parse(response.headers.get("date") ?? "");
    if (Number.isNaN(theirs))
      return { ok: true, detail: `"${new URL(endpoint).origin}" answers and tells no time` };
    const skewMs = Math.abs(theirs - now.getTime());
    const ok = skewMs <= MAX_SKEW_MS;
    return {
      ok,
      detail: `it differs by ${formatDuration(skewMs)} from that of "${new URL(endpoint).origin}"`,
      ...(ok ? {} : { fix: "Set the clock, for example with: timedatectl set-ntp true" }),
    };
  },
};

export const objectStorage: Check = {
  name: "S3 client",
  async look() {
    const sdk = await import("@aws-sdk/client-s3");
    const storage = await import("@aws-sdk/lib-storage");
    const ok = typeof sdk.S3Client === "function" && typeof storage.Upload === "function";
    return {
      ok,
      detail: ok ? "the S3 modules load" : "the S3 modules lack what they should have",
      ...(ok ? {} : { fix: "Install diskferry anew" }),
    };
  },
};
