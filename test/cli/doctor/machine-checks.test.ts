import { createServer } from "node:http";
import test from "ava";
import {
  clock,
  nodeVersion,
  objectStorage,
  scratchSpace,
  threads,
} from "../../../cli/doctor/machine-checks.ts";
import type { Check, DoctorOptions } from "../../../cli/doctor/check.ts";
import { scratchFolder } from "../../../pipeline/scratch.ts";
import { type RunContext, withRun } from "../../../worker/run-context.ts";
import { failure } from "../../support/errors.ts";
import { temporaryFolder } from "../../support/folder.ts";

async function look(check: Check, options: DoctorOptions = {}, overrides: Partial<RunContext> = {}) {
  const signal = new AbortController().signal;
  return withRun({ signal }, (context) => check.look({ ...context, ...overrides }, options));
}

for (const check of [nodeVersion, threads, scratchSpace, clock, objectStorage]) {
  test(`the check of ${check.name} passes on a machine that can run this test`, async (t) => {
    t.like(await look(check), { ok: true });
  });
}

test("threads fails when a thread gives another hash", async (t) => {
  const found = await look({
    name: "threads",
    look: (context, options) => {
      const run: typeof context.threads.run = (task, _input, signal) => {
        const other = new SharedArrayBuffer(8); // not what was asked for
        return context.threads.run(task, { memory: other, lengthBytes: 8 }, signal);
      };
      return threads.look({ ...context, threads: { count: 1, hasSpare: false, run } }, options);
    },
  });
  t.like(found, { ok: false });
});

test("scratchSpace fails where nothing can be written, and leaves nothing where it can", async (t) => {
  const unwritable = scratchFolder({ parentFolder: "/proc/none" });
  t.is((await failure(() => look(scratchSpace, {}, { scratch: unwritable }))).code, "SCRATCH_UNWRITABLE");
  await using folder = await temporaryFolder();
  await using scratch = scratchFolder({ parentFolder: folder.path });
  const { detail } = await look(scratchSpace, {}, { scratch });
  t.true(detail.includes(`"${folder.path}"`));
});

/** A server whose clock is off by so much, or that tells no time. */
async function served(skewMs: number | undefined): Promise<AsyncDisposable & { readonly endpoint: string }> {
  const server = createServer((_request, response) => {
    response.sendDate = false;
    if (skewMs !== undefined) response.setHeader("date", new Date(Date.now() + skewMs).toUTCString());
    response.setHeader("connection", "close").end();
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

for (const [skewMs, ok, detail] of [
  [0, true, /differs by/],
  [4 * 60_000, true, /differs by [34] min/],
  [-6 * 60_000, false, /differs by [56] min|differs by 6 min/],
  [6 * 60_000, false, /differs by [56] min/],
  [undefined, true, /tells no time/],
] as const) {
  test(`clock ${ok ? "passes" : "fails"} beside a store whose clock is off by ${skewMs} ms`, async (t) => {
    await using server = await served(skewMs);
    const found = await look(clock, { endpoint: server.endpoint });
    t.is(found.ok, ok);
    t.regex(found.detail, detail);
    t.is(found.fix === undefined, ok);
  });
}
