import { deleteBundle } from "../../../cli/commands/delete-bundle.ts";
import { downloadBundle } from "../../../cli/commands/download-bundle.ts";
import { parsedOptions } from "../../support/cli.ts";
import { opensslBundle } from "../../support/openssl-bundle.ts";
import { s3Bucket } from "../../support/s3-bucket.ts";
import { keysIn, runStored, testStored } from "../../support/stored-bundle.ts";

testStored("delete-bundle --clear keeps a bucket that holds something else", async (t) => {
  await using made = await opensslBundle(100_000);
  const store = await s3Bucket();
  await runStored(
    store,
    "upload-bundle",
    "-b",
    store.bucket,
    "-m",
    made.bundle.manifestPath,
    "-d",
    made.folder,
  );
  await store.put("other", Buffer.from("x"));
  const gone = await runStored(store, "delete-bundle", "-b", store.bucket, "-p", "disk.img", "--clear");
  t.is(gone.status, 4);
  t.regex(gone.stderr(), /DESTINATION_EXISTS .*other objects/);
  t.deepEqual(await keysIn(store), ["other"]);
});

for (const [flags, manifestName] of [
  [["-b", "bucket", "-m", "x.xml"], "s3://bucket/x.xml"],
  [["-b", "bucket/a/b", "-p", "disk"], "s3://bucket/a/b/disk.manifest.xml"],
  [["-b", "s3://bucket/a/", "-p", "disk"], "s3://bucket/a/disk.manifest.xml"],
  [["-b", "bucket", "--local-manifest", "here/x.xml"], "here/x.xml"],
] as const) {
  testStored(`download-bundle and delete-bundle read ${manifestName} for ${flags.join(" ")}`, async (t) => {
    for (const { bundle } of [
      await parsedOptions(downloadBundle, flags),
      await parsedOptions(deleteBundle, flags),
    ]) {
      t.is(bundle.manifestPlace.nameOf(bundle.manifestFile), manifestName);
    }
  });
}
