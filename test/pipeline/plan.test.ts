import test from "ava";
import fc from "fast-check";
import { ImportError } from "../../pipeline/errors.ts";
import { plan, type SourceToPlan, type TargetToPlan } from "../../pipeline/plan.ts";
import { failure } from "../support/errors.ts";

const MiB = 1024 * 1024;
const localRaw: SourceToPlan = {
  name: "disk.raw",
  layers: [],
  format: "raw",
  sizeBytes: 10 * MiB,
  imageBytes: 10 * MiB,
  virtualSizeBytes: 10 * MiB,
  isLocalFile: true,
};
const bundle: SourceToPlan = {
  ...localRaw,
  name: "disk.manifest.xml",
  layers: ["bundle", "gzip", "tar"],
  sizeBytes: 3 * MiB,
  isLocalFile: false,
};
const remoteQcow2: SourceToPlan = {
  name: "s3://b/disk.qcow2",
  layers: [],
  format: "qcow2",
  sizeBytes: 4 * MiB,
  imageBytes: 4 * MiB,
  virtualSizeBytes: 10 * MiB,
  isLocalFile: false,
};
const target = (kind: TargetToPlan["kind"], format: TargetToPlan["format"]): TargetToPlan => ({
  name: "result",
  kind,
  format,
  encodedBytes: 11 * MiB,
});

for (const [title, source, to, wanted] of [
  ["a bundle to a raw file", bundle, target("file", "raw"), ["stream", "copy", 0]],
  ["a bundle to a raw object", bundle, target("object", "raw"), ["stream", "copy", 0]],
  ["a bundle to a device", bundle, target("device", "raw"), ["stream", "copy", 0]],
  ["a bundle to qcow2", bundle, target("file", "qcow2"), ["spool", "convert", 10 * MiB]],
  ["a bundle to a qcow2 object", bundle, target("object", "qcow2"), ["spool", "convert", 21 * MiB]],
  ["a raw file to a new bundle", localRaw, target("bundle", "raw"), ["stream", "copy", 0]],
  ["a raw file to qcow2", localRaw, target("file", "qcow2"), ["ranged", "convert", 0]],
  ["a raw file to a raw file", localRaw, target("file", "raw"), ["ranged", "convert", 0]],
  ["a remote qcow2 to a raw pipe", remoteQcow2, target("pipe", "raw"), ["spool", "decode", 4 * MiB]],
  [
    "a local qcow2 to a raw pipe",
    { ...remoteQcow2, isLocalFile: true },
    target("pipe", "raw"),
    ["ranged", "decode", 0],
  ],
  ["a remote qcow2 to vmdk", remoteQcow2, target("file", "vmdk"), ["spool", "convert", 4 * MiB]],
] as const) {
  test(`plan() takes ${title} by the route ${wanted.join(", ")} bytes of scratch`, (t) => {
    const { route, method, scratchBytes } = plan(source, to);
    t.deepEqual([route, method, scratchBytes], [...wanted]);
  });
}

test("plan() says that scratch is unknown where only reading tells", (t) => {
  const { imageBytes: _, virtualSizeBytes: __, ...unknown } = { ...remoteQcow2, layers: ["gzip"] };
  t.is(plan(unknown, target("file", "raw")).scratchBytes, undefined);
});

const refusal = {
  code: "PROGRAM_MISSING",
  reason: '"qemu-img" is not installed',
  remedy: "Install it with: apt-get install qemu-utils",
} as const;

test("plan() copies a raw file without qemu-img, and refuses a conversion with PROGRAM_MISSING and the line to type", async (t) => {
  t.is(plan(localRaw, target("file", "raw"), refusal).method, "copy");
  const error = await failure(() => plan(localRaw, target("file", "qcow2"), refusal));
  t.is(error.code, "PROGRAM_MISSING");
  t.regex(error.remedy!, /apt-get install qemu-utils/);
});

for (const kind of ["device", "bundle"] as const) {
  test(`plan() refuses to write qcow2 to a ${kind} with PLAN_IMPOSSIBLE`, async (t) => {
    t.is((await failure(() => plan(bundle, target(kind, "qcow2")))).code, "PLAN_IMPOSSIBLE");
  });
}

const formats = ["raw", "qcow2", "vmdk", "vhd", "vhdx", "vdi"] as const;
test("plan() gives every combination a plan or a coded refusal, and touches nothing for nothing", (t) => {
  let planned = 0;
  fc.assert(
    fc.property(
      fc.record({
        layers: fc.subarray(["bundle", "gzip", "tar"]),
        format: fc.constantFrom(...formats),
        isLocalFile: fc.boolean(),
        sized: fc.boolean(),
        kind: fc.constantFrom("file", "device", "pipe", "object", "bundle" as const),
        to: fc.constantFrom(...formats),
        missing: fc.boolean(),
      }),
      ({ layers, format, isLocalFile, sized, kind, to, missing }) => {
        const source = { name: "source", layers, format, isLocalFile, ...(sized ? { imageBytes: MiB } : {}) };
        const call = () => plan(source, target(kind, to), missing ? refusal : undefined);
        let result;
        try {
          result = call();
        } catch (error) {
          t.true(error instanceof ImportError && ["PLAN_IMPOSSIBLE", "PROGRAM_MISSING"].includes(error.code));
          return;
        }
        planned++;
        t.deepEqual(result, call(), "the same facts give the same plan");
        t.true(result.steps.length > 0);
        t.is(result.route === "spool", result.spoolsSource || result.spoolsResult);
        if (result.route !== "spool") t.is(result.scratchBytes, 0);
        if (result.method === "copy") t.true(format === "raw" && to === "raw");
        if (result.spoolsSource) t.true(layers.length > 0 || !isLocalFile);
      },
    ),
    { numRuns: Number(process.env.PROPERTY_RUNS ?? 500) },
  );
  t.true(planned > 100);
});
