import { execFileSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { seededDisk } from "../../fixtures/seeded.ts";
import { convertDisk } from "../../converters/index.ts";
import type { ErrorCode } from "../../pipeline/errors.ts";
import { testContext } from "../support/context.ts";
import { failure } from "../support/errors.ts";
import { fakePrograms } from "../support/fake-programs.ts";
import { hashingThreads } from "../support/hashing-threads.ts";
import { processesWith } from "../support/processes.ts";
import { requires, requiresThat } from "../support/requires.ts";

const testQemu = requires("qemu-img", "qemu-nbd");

async function prepared(t: { teardown(fn: () => Promise<void>): void }) {
  const folder = await mkdtemp(join(tmpdir(), "diskferry-test-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const source = join(folder, "source");
  await writeFile(source, seededDisk("faults", { sizeBytes: 4 * 1024 ** 2 }));
  const request = {
    from: { path: source, format: "raw" },
    to: { path: join(folder, "result"), format: "raw" },
  } as const;
  return { folder, source, request };
}

const FAULTS: readonly (readonly [fake: string, code: ErrorCode, message: RegExp])[] = [
  ["killed-in-convert", "PROGRAM_FAILED", /"qemu-img convert" as it ended with signal SIGKILL/],
  ["fails-in-convert", "PROGRAM_FAILED", /status 1: .*Input\/output error$/],
  ["full-in-convert", "DESTINATION_FULL", /No space left on device/],
  ["damages-in-convert", "DIGEST_MISMATCH", /the result holds another disk than the source/],
  ["speaks-no-json", "PROGRAM_FAILED", /it is not JSON/],
];

for (const [fake, code, message] of FAULTS) {
  testQemu(
    `convertDisk() fails with ${code} and leaves no file and no process when qemu-img ${fake}`,
    async (t) => {
      const { folder, request } = await prepared(t);
      const context = testContext({ threads: hashingThreads, programPath: fakePrograms(fake) });
      const error = await failure(() => convertDisk(request, context));
      t.is(error.code, code);
      t.regex(error.message, message);
      t.truthy(error.remedy);
      t.deepEqual(await readdir(folder), ["source"]);
      t.deepEqual(processesWith(folder), []);
    },
  );
}

testQemu(
  "convertDisk() fails with IMAGE_CORRUPT when the result's tables contradict each other",
  async (t) => {
    const { folder, request } = await prepared(t);
    const context = testContext({
      threads: hashingThreads,
      programPath: fakePrograms("leaves-tables-corrupt"),
    });
    const to = { path: request.to.path, format: "qcow2" } as const;
    const error = await failure(() => convertDisk({ ...request, to }, context));
    t.is(error.code, "IMAGE_CORRUPT");
    t.is(error.step, "check");
    t.deepEqual(await readdir(folder), ["source"]);
  },
);

testQemu("convertDisk() ends a hanging qemu-img on abort, and leaves no file and no process", async (t) => {
  const { folder, request } = await prepared(t);
  const stop = new AbortController();
  const reason = new Error("enough");
  const context = testContext({
    threads: hashingThreads,
    programPath: fakePrograms("hangs-in-convert"),
    signal: stop.signal,
    progress(event) {
      if (event.kind === "moved" && event.step === "convert" && event.doneBytes > 0) stop.abort(reason);
    },
  });
  t.is(await t.throwsAsync(convertDisk(request, context)), reason);
  t.deepEqual(await readdir(folder), ["source"]);
  t.deepEqual(processesWith(folder), []);
});

testQemu("convertDisk() is not led astray by what is no progress", async (t) => {
  const { request } = await prepared(t);
  const context = testContext({ threads: hashingThreads, programPath: fakePrograms("babbles-in-convert") });
  await convertDisk(request, context);
  const done = context.events.flatMap((event) =>
    event.kind === "moved" && event.step === "convert" ? [event.doneBytes] : [],
  );
  t.deepEqual(
    done,
    [...done].sort((a, b) => a - b),
  );
  t.true(done.every((bytes) => bytes >= 0 && bytes <= 4 * 1024 ** 2));
});

testQemu("convertDisk() fails with SOURCE_CHANGED when the source is written to meanwhile", async (t) => {
  const { folder, source, request } = await prepared(t);
  const context = testContext({
    threads: hashingThreads,
    progress(event) {
      if (event.kind === "started" && event.step === "compare") appendFileSync(source, Buffer.alloc(512));
    },
  });
  t.is((await failure(() => convertDisk(request, context))).code, "SOURCE_CHANGED");
  t.deepEqual(await readdir(folder), ["source"]);
});

const BAD_PLACES: readonly (readonly [string, (folder: string) => string, ErrorCode])[] = [
  ["in a folder that does not exist", (folder) => join(folder, "none", "result"), "DESTINATION_NOT_FOUND"],
  ["in a file", (folder) => join(folder, "source", "result"), "DESTINATION_NOT_FOUND"],
  ["that is a folder", (folder) => folder, "DESTINATION_FORBIDDEN"],
  ["on a read-only file system", () => "/proc/result", "DESTINATION_NOT_FOUND"],
];

for (const [what, path, code] of BAD_PLACES) {
  testQemu(`convertDisk() fails with ${code} for a result ${what}, before any work`, async (t) => {
    const { folder, request } = await prepared(t);
    const context = testContext({ threads: hashingThreads });
    const to = { path: path(folder), format: "raw" } as const;
    t.is((await failure(() => convertDisk({ ...request, to }, context))).code, code);
    t.deepEqual(context.events, []);
    t.deepEqual(await readdir(folder), ["source"]);
  });
}

/** Runs `script` as root of a name space of its own, where it may mount; gives the lines it prints. */
function inMountNamespace(script: string): readonly string[] {
  const env = { ...process.env, TRY: fileURLToPath(new URL("../support/try-convert.ts", import.meta.url)) };
  const output = execFileSync("unshare", ["--mount", "sh", "-ec", script], { env, encoding: "utf8" });
  return output.trim().split("\n");
}

function canMount(): string | undefined {
  try {
    execFileSync("unshare", ["--mount", "mount", "-t", "tmpfs", "none", "/mnt"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "needs the right to mount";
  }
}

const testMount = requiresThat(canMount());

testMount(
  "convertDisk() fails with DESTINATION_FULL on a real file system that is full, and empties it",
  async (t) => {
    const { folder, source } = await prepared(t);
    const place = join(folder, "small");
    await mkdir(place);
    const answer = inMountNamespace(
      `mount -t tmpfs -o size=256k none ${place}; "${process.execPath}" "$TRY" ${source} ${place}/result; ls ${place} | wc -l`,
    );
    t.deepEqual(answer, ["DESTINATION_FULL", "0"]);
  },
);

testMount(
  "convertDisk() fails with DESTINATION_FORBIDDEN on a real file system that is read-only",
  async (t) => {
    const { folder, source } = await prepared(t);
    const place = join(folder, "fixed");
    await mkdir(place);
    const answer = inMountNamespace(
      `mount -t tmpfs -o ro none ${place}; "${process.execPath}" "$TRY" ${source} ${place}/result`,
    );
    t.deepEqual(answer, ["DESTINATION_FORBIDDEN"]);
  },
);
