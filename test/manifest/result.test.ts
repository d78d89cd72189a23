import test from "ava";
import * as fc from "fast-check";
import {
  MAX_RESULT_BYTES,
  type ResultManifest,
  formatResultManifest,
  parseResultManifest,
} from "../../manifest/result.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { failure } from "../support/errors.ts";
import { propertyRuns } from "../support/manifests.ts";

const MANIFEST: ResultManifest = {
  schemaVersion: 1,
  tool: { name: "diskferry", version: "0.1.0" },
  createdAt: "2026-01-31T12:00:00.000Z",
  source: {
    name: "s3://images/disk.img.manifest.xml",
    kind: "bundle",
    sizeBytes: 10_485_776,
    identity: "d41d8cd98f00b204e9800998ecf8427e",
    digests: [{ what: "tar stream", algorithm: "sha1", value: "560ee24d79f829f2040be85b69b646b3ba75bfb7" }],
  },
  plan: { route: "stream", steps: ["read", "decrypt", "write"], scratchBytes: 0 },
  result: {
    name: "/tmp/disk.qcow2",
    format: "qcow2",
    sizeBytes: 196_608,
    virtualSizeBytes: 1000,
    sha256: "0a".repeat(32),
  },
  diskDigest: { algorithm: "sha256-tree-4mib", value: "0b".repeat(32), blockSizeBytes: 4_194_304 },
  checks: [
    { name: "part digests", outcome: "passed", detail: "3 of 3 parts" },
    { name: "signature", outcome: "skipped" },
  ],
  findings: [{ id: "linux.fstab", severity: "warning", title: "t", evidence: "e", remedy: "r" }],
  programs: [{ name: "qemu-img", version: "7.2.0" }],
  durations: [
    { step: "read", elapsedMs: 12, ownMs: 3 },
    { step: "write", elapsedMs: 1 },
  ],
};

test("parseResultManifest() gives back what formatResultManifest() was given", (t) => {
  const text = formatResultManifest(MANIFEST);
  t.deepEqual(parseResultManifest(text), MANIFEST);
  t.regex(Buffer.from(text).toString(), /^\{\n {2}"schemaVersion": 1,\n[^]*\}\n$/);
});

/** A copy of the manifest with the value at a path such as `source.digests.0.value` replaced, or removed. */
function altered(path: string, value: unknown): string {
  const copy: unknown = structuredClone(MANIFEST);
  const keys = path.split(".");
  const last = keys.pop()!;
  let place = copy;
  for (const key of keys) place = Reflect.get(Object(place), key);
  if (value === undefined) Reflect.deleteProperty(Object(place), last);
  else Reflect.set(Object(place), last, value);
  return JSON.stringify(copy);
}

test("parseResultManifest() ignores fields it does not know, at every level", (t) => {
  for (const path of [
    "new",
    "tool.new",
    "source.new",
    "plan.new",
    "result.new",
    "checks.0.new",
    "durations.1.new",
  ]) {
    t.deepEqual(parseResultManifest(altered(path, { any: [1] })), MANIFEST);
  }
});

for (const path of [
  "source.sizeBytes",
  "source.identity",
  "result.sha256",
  "checks.0.detail",
  "durations.0.ownMs",
]) {
  test(`parseResultManifest() accepts a manifest without ${path}`, (t) => {
    t.notThrows(() => parseResultManifest(altered(path, undefined)));
  });
}

const WRONG: readonly (readonly [path: string, value: unknown])[] = [
  ["schemaVersion", 2],
  ["schemaVersion", "1"],
  ["tool.version", 1],
  ["createdAt", "yesterday"],
  ["source.kind", null],
  ["source.sizeBytes", -1],
  ["source.identity", 7],
  ["source.digests", {}],
  ["source.digests.0.algorithm", "crc32"],
  ["source.digests.0.value", "560e"],
  ["plan.route", "magic"],
  ["plan.steps", ["read", 1]],
  ["plan.scratchBytes", 0.5],
  ["result.sizeBytes", "1"],
  ["result.virtualSizeBytes", 2 ** 53],
  ["result.sha256", "0A".repeat(32)],
  ["diskDigest.value", ""],
  ["diskDigest.blockSizeBytes", null],
  ["checks.1.outcome", "failed"],
  ["findings.0.severity", "fatal"],
  ["programs.0", "qemu-img"],
  ["durations.0.elapsedMs", -1],
];

for (const [path, value] of WRONG) {
  test(`parseResultManifest() fails with MANIFEST_INVALID for ${path} = ${JSON.stringify(value)}`, async (t) => {
    const error = await failure(() => parseResultManifest(altered(path, value)));
    t.is(error.code, "MANIFEST_INVALID");
    t.true(
      error.message.includes(
        path
          .split(".")
          .at(-1)!
          .replace(/^\d$/, `[${path.at(-1)}]`),
      ),
      error.message,
    );
  });
}

for (const path of [...new Set(WRONG.map(([path]) => path))].filter(
  (path) => !/identity|sha256|source.sizeBytes/.test(path),
)) {
  if (/\.\d$/.test(path)) continue; // an array that is shorter is still one
  test(`parseResultManifest() fails with MANIFEST_INVALID without ${path}`, async (t) => {
    t.is((await failure(() => parseResultManifest(altered(path, undefined)))).code, "MANIFEST_INVALID");
  });
}

for (const [what, text] of Object.entries({
  nothing: "",
  "half of it": JSON.stringify(MANIFEST).slice(0, 300),
  null: "null",
  "an array": "[]",
  "a number": "1",
  "bytes that are not UTF-8": Buffer.from(
    JSON.stringify(MANIFEST).replace("diskferry", "d\u00efskferry"),
    "latin1",
  ),
  "arrays in arrays": "[".repeat(1_000_000) + "]".repeat(1_000_000),
  "arrays in arrays for a version": `{"schemaVersion":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
})) {
  test(`parseResultManifest() fails with MANIFEST_INVALID for ${what}`, async (t) => {
    t.is((await failure(() => parseResultManifest(text))).code, "MANIFEST_INVALID");
  });
}

test("parseResultManifest() accepts MAX_RESULT_BYTES, and fails with MANIFEST_TOO_LARGE at one more", async (t) => {
  const text = JSON.stringify(MANIFEST);
  t.notThrows(() => parseResultManifest(text.padEnd(MAX_RESULT_BYTES)));
  t.is(
    (await failure(() => parseResultManifest(text.padEnd(MAX_RESULT_BYTES + 1)))).code,
    "MANIFEST_TOO_LARGE",
  );
});

test("formatResultManifest() fails with MANIFEST_INVALID for a value that could not be read back", async (t) => {
  const wrong = { ...MANIFEST, plan: { ...MANIFEST.plan, scratchBytes: Number.NaN } };
  t.is((await failure(() => formatResultManifest(wrong))).code, "MANIFEST_INVALID");
});

test("formatResultManifest() leaves out fields that are not of the schema", (t) => {
  const extra = { ...MANIFEST, secret: "s3cr3t" };
  t.false(Buffer.from(formatResultManifest(extra)).toString().includes("s3cr3t"));
});

test("parseResultManifest() throws nothing but MANIFEST_… for any JSON and any damage", (t) => {
  const original = JSON.stringify(MANIFEST);
  const damaged = fc
    .tuple(fc.nat(original.length), fc.nat(40), fc.string({ maxLength: 5 }))
    .map(([at, cut, insert]) => original.slice(0, at) + insert + original.slice(at + cut));
  fc.assert(
    fc.property(fc.oneof(damaged, fc.json()), (text) => {
      try {
        parseResultManifest(text);
      } catch (error) {
        return error instanceof ImportError && error.code.startsWith("MANIFEST_");
      }
      return true;
    }),
    { numRuns: propertyRuns(500) },
  );
  t.pass();
});
