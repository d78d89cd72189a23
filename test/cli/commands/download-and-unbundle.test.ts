import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { testIdentity } from "../../../fixtures/keys.ts";
import { failure } from "../../support/errors.ts";
import { opensslBundle } from "../../support/openssl-bundle.ts";
import { s3Bucket } from "../../support/s3-bucket.ts";
import { keysIn, runStored, testStored } from "../../support/stored-bundle.ts";

testStored("a bundle goes up, down, into an image, and away again", async (t) => {
  await using made = await opensslBundle();
  const store = await s3Bucket();
  const place = `${store.bucket}/some/prefix`;
  const files = [...made.bundle.partNames, "disk.img.manifest.xml"].toSorted();

  const up = await runStored(
    store,
    "upload-bundle",
    "-b",
    place,
    "-m",
    made.bundle.manifestPath,
    "-d",
    made.folder,
  );
  t.is(up.status, 0, up.stderr());
  t.is(up.stdout().split("\n")[0], `Uploaded  ${place}/disk.img.manifest.xml`);
  t.deepEqual(
    await keysIn(store),
    files.map((name) => `some/prefix/${name}`),
  );

  const down = await runStored(
    store,
    "download-bundle",
    "-b",
    place,
    "-p",
    "disk.img",
    "-d",
    made.file("down"),
  );
  t.is(down.status, 0, down.stderr());
  t.deepEqual((await readdir(made.file("down"))).sort(), files);
  for (const name of files) {
    const [there, here] = await Promise.all(
      [made.folder, made.file("down")].map((path) => readFile(join(path, name))),
    );
    t.true(there!.equals(here!), name);
  }

  const key = ["-k", made.keyPath];
  const both = await runStored(
    store,
    "download-and-unbundle",
    "-b",
    place,
    "-p",
    "disk.img",
    "-d",
    made.file("d.raw"),
    ...key,
  );
  t.is(both.status, 0, both.stderr());
  t.true((await readFile(made.file("d.raw"))).equals(made.disk));

  const local = ["--local-manifest", made.bundle.manifestPath];
  const piped = await runStored(store, "download-and-unbundle", "-b", place, ...local, "-d", "-", ...key);
  t.true(piped.stdoutBytes().equals(made.disk));

  const dry = await runStored(
    store,
    "delete-bundle",
    "-b",
    place,
    "-m",
    "disk.img.manifest.xml",
    "--dry-run",
  );
  t.is(dry.stdout().trimEnd().split("\n").length, files.length);
  t.is((await keysIn(store)).length, files.length);
  const gone = await runStored(
    store,
    "delete-bundle",
    "-b",
    place,
    "-m",
    "disk.img.manifest.xml",
    "--clear",
    "--json",
  );
  t.is(gone.status, 0, gone.stderr() + gone.stdout());
  t.like(JSON.parse(gone.stdout()), { bucket: `s3://${store.bucket}`, deleted: true });
  t.is((await failure(() => keysIn(store))).code, "SOURCE_NOT_FOUND");
});

testStored(
  "download-and-unbundle with the wrong key ends with KEY_MISMATCH and leaves nothing",
  async (t) => {
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
    const flags = ["-b", store.bucket, "-p", "disk.img", "-d", made.file("new.raw"), "-k", made.otherKeyPath];
    const { status, stderr } = await runStored(store, "download-and-unbundle", ...flags);
    t.is(status, 6);
    t.regex(stderr(), /^diskferry: KEY_MISMATCH /);
    t.false((await readdir(dirname(made.file("new.raw")))).some((name) => name.includes("new.raw")));
  },
);

testStored("download-and-unbundle of a bundle that is not there ends with 3", async (t) => {
  const store = await s3Bucket();
  const { keyPath } = await testIdentity("user");
  const { status, stderr } = await runStored(
    store,
    "download-and-unbundle",
    "-b",
    store.bucket,
    "-p",
    "none",
    "-k",
    keyPath,
  );
  t.is(status, 3);
  t.regex(stderr(), /^diskferry: SOURCE_NOT_FOUND .*none\.manifest\.xml/);
});
