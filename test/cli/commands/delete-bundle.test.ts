import { writeFile } from "node:fs/promises";
import { deleteBundle } from "../../../cli/commands/delete-bundle.ts";
import { downloadBundle } from "../../../cli/commands/download-bundle.ts";
import { testIdentity } from "../../../fixtures/keys.ts";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { parsedOptions } from "../../support/cli.ts";
import { temporaryFolder } from "../../support/folder.ts";
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

testStored("delete-bundle takes along the result manifest of convert and its signature", async (t) => {
  await using folder = await temporaryFolder();
  const { keyPath, certificatePath } = await testIdentity("user");
  const store = await s3Bucket();
  await writeFile(folder.file("disk.raw"), seededDisk("delete", { sizeBytes: 100_000 }));
  const manifest = `s3://${store.bucket}/web.manifest.xml`;
  const flags = ["--cert", certificatePath, "--user", "1234", "--sign-with", keyPath];
  const made = await runStored(store, "convert", folder.file("disk.raw"), manifest, ...flags);
  t.is(made.status, 0, made.stderr());
  t.regex(made.stdout(), new RegExp(`^result +${manifest} `));
  const names = ["", ".diskferry.json", ".diskferry.json.sig"].map((suffix) => `web.manifest.xml${suffix}`);
  t.deepEqual(await keysIn(store), [...names, "web.part.00"]);
  await store.put("web.manifest.xml.diskferry.json.old", Buffer.from("x"));
  const gone = await runStored(store, "delete-bundle", "-b", store.bucket, "-p", "web", "--json");
  t.is(gone.status, 0, gone.stderr());
  t.deepEqual(
    JSON.parse(gone.stdout()).objects,
    ["web.part.00", names[1], names[2], names[0]].map((name) => `s3://${store.bucket}/${name}`),
  );
  t.deepEqual(await keysIn(store), ["web.manifest.xml.diskferry.json.old"]);
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
