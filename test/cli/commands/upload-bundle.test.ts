import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { uploadBundle } from "../../../cli/commands/upload-bundle.ts";
import { parsedOptions } from "../../support/cli.ts";
import { opensslBundle } from "../../support/openssl-bundle.ts";
import { s3Bucket } from "../../support/s3-bucket.ts";
import { keysIn, runStored, testStored } from "../../support/stored-bundle.ts";

testStored("upload-bundle that meets a damaged part leaves nothing in the store", async (t) => {
  await using made = await opensslBundle();
  const store = await s3Bucket();
  const last = join(made.folder, made.bundle.partNames.at(-1)!);
  await writeFile(last, Buffer.alloc(100));
  const up = await runStored(
    store,
    "upload-bundle",
    "-b",
    store.bucket,
    "-m",
    made.bundle.manifestPath,
    "-d",
    made.folder,
  );
  t.is(up.status, 6);
  t.regex(up.stderr(), /CHECKSUM_MISMATCH/);
  t.deepEqual(await keysIn(store), []);
  t.is(await store.uploadCount(), 0);
});

testStored(
  "upload-bundle replaces objects only with --force, and --skipmanifest leaves the manifest out",
  async (t) => {
    await using made = await opensslBundle();
    const store = await s3Bucket();
    const args = ["upload-bundle", "-b", store.bucket, "-m", made.bundle.manifestPath, "-d", made.folder];
    t.is((await runStored(store, ...args, "--skipmanifest")).status, 0);
    t.deepEqual(await keysIn(store), made.bundle.partNames.toSorted());
    const again = await runStored(store, ...args);
    t.is(again.status, 4);
    t.regex(again.stderr(), /DESTINATION_EXISTS/);
    t.deepEqual(await keysIn(store), made.bundle.partNames.toSorted(), "what was there before stays");
    t.is((await runStored(store, ...args, "--force")).status, 0);
    t.true((await keysIn(store)).includes("disk.img.manifest.xml"));
  },
);

testStored("upload-bundle makes a bucket that is not there, and grants reading", async (t) => {
  await using made = await opensslBundle(100_000);
  const store = await s3Bucket();
  const bucket = `${store.bucket}-new`;
  const args = ["-m", made.bundle.manifestPath, "-d", made.folder, "--acl", "public-read"];
  const up = await runStored(store, "upload-bundle", "-b", `${bucket}/p`, ...args);
  t.is(up.status, 0, up.stderr());
  const response = await fetch(`${store.server.endpoint}/${bucket}/p/disk.img.manifest.xml`);
  t.is(response.status, 200);
  t.deepEqual(Buffer.from(await response.arrayBuffer()), await readFile(made.bundle.manifestPath));
});

testStored("upload-bundle takes the parts from beside the manifest", async (t) => {
  t.like(await parsedOptions(uploadBundle, ["-b", "b/p/q", "-m", "some/x.manifest.xml"]), {
    at: { bucket: "b", prefix: "p/q/" },
    directory: "some",
    isManifestSkipped: false,
    overwrite: false,
  });
});
