import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { serveDisk } from "../../programs/qemu-nbd.ts";
import { testContext } from "../support/context.ts";
import { failure } from "../support/errors.ts";
import { processesWith } from "../support/processes.ts";
import { requires } from "../support/requires.ts";

const testQemu = requires("qemu-nbd");

async function disk(t: { teardown(fn: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "diskferry-test-"));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "disk"), Buffer.alloc(512));
  return join(folder, "disk");
}

testQemu(
  "serveDisk() serves on a socket that only this user can reach, and takes everything away",
  async (t) => {
    const path = await disk(t);
    const server = await serveDisk({ path, format: "raw" }, testContext());
    t.true((await stat(server.socketPath)).isSocket());
    t.is((await stat(dirname(server.socketPath))).mode & 0o777, 0o700);
    t.is(processesWith(path).length, 1);
    await server[Symbol.asyncDispose]();
    t.like(await server.exited, { endedBy: "stop" });
    await t.throwsAsync(stat(dirname(server.socketPath)), { code: "ENOENT" });
    t.deepEqual(processesWith(path), []);
  },
);

testQemu(
  "serveDisk() fails with IMAGE_CORRUPT and leaves nothing when the image is of another format",
  async (t) => {
    const path = await disk(t);
    const error = await failure(() => serveDisk({ path, format: "qcow2" }, testContext()));
    t.is(error.code, "IMAGE_CORRUPT");
    t.regex(error.message, /Image is not in qcow2 format/);
    t.deepEqual(processesWith(path), []);
  },
);

testQemu("serveDisk() ends with the server when the run is aborted", async (t) => {
  const path = await disk(t);
  const stop = new AbortController();
  await using server = await serveDisk({ path, format: "raw" }, testContext({ signal: stop.signal }));
  stop.abort(new Error("enough"));
  t.like(await server.exited, { endedBy: "abort" });
});

testQemu("serveDisk() fails with PROGRAM_MISSING without qemu-nbd", async (t) => {
  const path = await disk(t);
  const context = testContext({ programPath: "/nonexistent" });
  t.is((await failure(() => serveDisk({ path, format: "raw" }, context))).code, "PROGRAM_MISSING");
});
