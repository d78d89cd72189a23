import test from "ava";
import { toQcow2 } from "../../converters/qcow2.ts";
import { testContext } from "../support/context.ts";
import { SOURCE_NODE, conversion } from "../support/conversion.ts";
import { failure } from "../support/errors.ts";
import { requires } from "../support/requires.ts";

const testQemu = requires("qemu-img", "qemu-nbd");

test("toQcow2 writes qcow2", (t) => t.is(toQcow2.to, "qcow2"));

for (const [target, flags] of [
  [{}, ["-W", "-O", "qcow2"]],
  [{ clusterSizeBytes: 2 * 1024 ** 2 }, ["-W", "-O", "qcow2", "-o", "cluster_size=2097152"]],
  [{ compression: "zlib" }, ["-c", "-O", "qcow2", "-o", "compression_type=zlib"]],
  [
    { clusterSizeBytes: 512, compression: "zstd" },
    ["-c", "-O", "qcow2", "-o", "cluster_size=512,compression_type=zstd"],
  ],
] as const) {
  testQemu(`toQcow2 gives qemu-img this argument list for ${JSON.stringify(target)}`, async (t) => {
    const { args } = await conversion({ format: "qcow2", ...target });
    t.deepEqual(args, ["convert", "-p", ...flags, SOURCE_NODE, "RESULT"]);
  });
}

for (const clusterSizeBytes of [0, 256, 511, 513, 65_537, 2 ** 22, Number.NaN]) {
  test(`toQcow2 fails with ARGUMENT_INVALID for clusters of ${clusterSizeBytes} bytes, before it looks at the source`, async (t) => {
    const to = { path: "/nonexistent/x", format: "qcow2", clusterSizeBytes } as const;
    const request = { from: { path: "/nonexistent/y", format: "raw" }, to } as const;
    t.is((await failure(() => toQcow2.convert(request, testContext()))).code, "ARGUMENT_INVALID");
  });
}
