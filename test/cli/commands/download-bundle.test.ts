import { copyFile, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { downloadBundle } from "../../../cli/commands/download-bundle.ts";
import { parsedOptions } from "../../support/cli.ts";
import { failure } from "../../support/errors.ts";
import { opensslBundle } from "../../support/openssl-bundle.ts";
import { s3Bucket } from "../../support/s3-bucket.ts";
import { runStored, testStored } from "../../support/stored-bundle.ts";

testStored("download-bundle -d - gives all parts as one stream", async (t) => {
  await using made = await opensslBundle();
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
  const down = await runStored(store, "download-bundle", "-b", store.bucket, "-p", "disk.img", "-d", "-");
  t.is(down.status, 0, down.stderr());
  const parts = await Promise.all(made.bundle.partNames.map((name) => readFile(join(made.folder, name))));
  t.true(down.stdoutBytes().equals(Buffer.concat(parts)));
});

testStored("download-bundle that meets a damaged or missing part leaves nothing in the folder", async (t) => {
  await using made = await opensslBundle();
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
  await store.put(made.bundle.partNames.at(-1)!, Buffer.alloc(100));
  const down = await runStored(
    store,
    "download-bundle",
    "-b",
    store.bucket,
    "-p",
    "disk.img",
    "-d",
    made.file("down"),
  );
  t.is(down.status, 6);
  t.deepEqual(await readdir(made.file("down")), []);
});

for (const flags of [
  ["-b", "bucket"],
  ["-b", "bucket", "-m", "x", "-p", "y"],
  ["-b", "", "-m", "x"],
  ["-b", "http://bucket", "-m", "x"],
]) {
  testStored(`download-bundle ${flags.join(" ")} is refused with ARGUMENT_INVALID`, async (t) => {
    t.is((await failure(() => parsedOptions(downloadBundle, flags))).code, "ARGUMENT_INVALID");
  });
}

testStored("download-bundle keeps files that exist, unless it is told otherwise", async (t) => {
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
  await mkdir(made.file("down"));
  const first = made.bundle.partNames[0]!;
  await copyFile("/etc/hostname", made.file(`down/${first}`));
  const args = ["download-bundle", "-b", store.bucket, "-p", "disk.img", "-d", made.file("down")];
  t.is((await runStored(store, ...args)).status, 4);
  t.deepEqual(await readdir(made.file("down")), [first]);
  t.deepEqual(await readFile(made.file(`down/${first}`)), await readFile("/etc/hostname"));
  t.is((await runStored(store, ...args, "-f")).status, 0);
});
