import test from "ava";
import type { BundleManifest } from "../../../manifest/bundle.ts";
import { gzip } from "../../../stages/gzip-writer.ts";
import { tar } from "../../../stages/tar/writer.ts";
import { unbundleStages } from "../../../stages/transforms/unbundle.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";

const image = Buffer.alloc(1000, 0x41);
const GOLDEN = "560ee24d79f829f2040be85b69b646b3ba75bfb7";

async function unbundle(overrides: Partial<BundleManifest["image"]>): Promise<Buffer> {
  const manifest: BundleManifest = {
    version: "2007-10-10",
    bundler: { name: "", version: "", release: "" },
    image: {
      name: "disk.img",
      user: "1",
      type: "machine",
      ancestry: [],
      digest: GOLDEN,
      sizeBytes: 1000,
      bundledSizeBytes: 0,
      parts: [],
      ...overrides,
    },
  };
  const context = testContext();
  let bytes = gzip().transform(
    tar({ name: "disk.img", sizeBytes: 1000 }).transform(chunked(image), context),
    context,
  );
  for (const stage of unbundleStages(manifest)) bytes = stage.transform(bytes, context);
  return collect(bytes);
}

test("unbundleStages() give the image when the golden SHA-1 of the tar stream and the size fit", async (t) => {
  t.true((await unbundle({})).equals(image));
});

test("unbundleStages() fail with CHECKSUM_MISMATCH for another digest, SIZE_MISMATCH for another size", async (t) => {
  t.is((await failure(() => unbundle({ digest: GOLDEN.replace("5", "6") }))).code, "CHECKSUM_MISMATCH");
  t.is((await failure(() => unbundle({ sizeBytes: 999 }))).code, "SIZE_MISMATCH");
  t.is((await failure(() => unbundle({ sizeBytes: 1001 }))).code, "SIZE_MISMATCH");
});
