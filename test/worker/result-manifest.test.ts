import test from "ava";
import { parseResultManifest } from "../../manifest/result.ts";
import type { ResolvedSource } from "../../worker/resolve-source.ts";
import { durationRecorder, resultManifest, writeSmall } from "../../worker/result-manifest.ts";
import type { Target } from "../../worker/target.ts";
import { collect } from "../support/bytes.ts";
import { testContext } from "../support/context.ts";

test("durationRecorder() keeps how long each step took and passes every event on", (t) => {
  const inner = testContext();
  const { context, durations } = durationRecorder(inner);
  context.progress({ kind: "started", step: "read" });
  context.progress({ kind: "moved", step: "read", doneBytes: 1, ownMs: 1 });
  context.progress({ kind: "finished", step: "read", doneBytes: 2, ownMs: 1.6 });
  t.is(durations.length, 1);
  t.like(durations[0], { step: "read", ownMs: 2 });
  t.is(inner.events.length, 3);
});

test("resultManifest() states what was done and holds no secret, also of a signed URL", (t) => {
  const location = { kind: "http", url: new URL("https://host/disk.raw?X-Amz-Signature=secret") } as const;
  const manifest = resultManifest({
    source: {
      location,
      name: "https://host/disk.raw",
      layers: ["gzip"],
      format: "raw",
      facts: { sizeBytes: 10, identity: "etag", seekable: true },
    } as unknown as ResolvedSource,
    target: { name: "out.qcow2", kind: "file", format: { format: "qcow2" } } as unknown as Target,
    plan: {
      route: "stream",
      method: "copy",
      spoolsSource: false,
      spoolsResult: false,
      scratchBytes: 0,
      steps: [],
    },
    receipt: { name: "out.qcow2", sizeBytes: 5 },
    diskDigest: "0".repeat(64),
    virtualSizeBytes: 512,
    checks: [],
    programs: [],
    durations: [],
    scratchBytes: 0,
    tool: { name: "diskferry", version: "1" },
  });
  const text = JSON.stringify(manifest);
  t.deepEqual(parseResultManifest(text), manifest);
  t.notRegex(text, /secret/);
  t.like(manifest.source, { kind: "gzip", sizeBytes: 10, identity: "etag" });
});

test("writeSmall() writes in one piece, commits, and disposes", async (t) => {
  const log: string[] = [];
  const receipt = await writeSmall(
    Buffer.from("content"),
    {
      name: "memory",
      open: async (_, { sizeBytes }) => ({
        write: async (bytes) => void log.push(`${sizeBytes}: ${(await collect(bytes)).toString()}`),
        commit: async () => ({ name: "memory", sizeBytes: 7 }),
        [Symbol.asyncDispose]: async () => void log.push("disposed"),
      }),
    },
    testContext(),
  );
  t.is(receipt.sizeBytes, 7);
  t.deepEqual(log, ["7: content", "disposed"]);
});
