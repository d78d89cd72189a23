import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deleteBundle } from "../../../cli/commands/delete-bundle.ts";
import { downloadBundle } from "../../../cli/commands/download-bundle.ts";
import { COMMANDS } from "../../../cli/commands/index.ts";
import { uploadBundle } from "../../../cli/commands/upload-bundle.ts";
import { runCli } from "../../../cli/program.ts";
import { listS3Keys } from "../../../stages/s3-objects.ts";
import { parsedOptions, testCli, type TestCli } from "../../support/cli.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { BUNDLE_PROGRAMS, opensslBundle } from "../../support/openssl-bundle.ts";
import { requires } from "../../support/requires.ts";
import { s3Bucket, type TestBucket } from "../../support/s3-bucket.ts";
import { S3_PROGRAMS } from "../../support/s3-server.ts";

const test = requires(...BUNDLE_PROGRAMS, ...S3_PROGRAMS);

/** The flags of euca2ools that reach the server. */
function flagsFor({ server }: TestBucket): readonly string[] {
  return ["-U", server.endpoint, "-I", server.accessKeyId, "-S", server.secretAccessKey];
}

async function run(
  store: TestBucket,
  ...args: readonly string[]
): Promise<TestCli & { readonly status: number }> {
  const cli = testCli();
  const status = await runCli([...args, ...flagsFor(store)], cli, COMMANDS);
  return { ...cli, status };
}

async function keysIn({ access, bucket }: TestBucket): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of listS3Keys(access, bucket, "", testContext())) keys.push(key);
  return keys;
}

test("a bundle goes up, down, into an image, and away again", async (t) => {
  await using made = await opensslBundle();
  const store = await s3Bucket();
  const place = `${store.bucket}/some/prefix`;
  const files = [...made.bundle.partNames, "disk.img.manifest.xml"].toSorted();

  const up = await run(
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

  const down = await run(store, "download-bundle", "-b", place, "-p", "disk.img", "-d", made.file("down"));
  t.is(down.status, 0, down.stderr());
  t.deepEqual((await readdir(made.file("down"))).sort(), files);
  for (const name of files) {
    const [there, here] = await Promise.all(
      [made.folder, made.file("down")].map((path) => readFile(join(path, name))),
    );
    t.true(there!.equals(here!), name);
  }

  const key = ["-k", made.keyPath];
  const both = await run(
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
  const piped = await run(store, "download-and-unbundle", "-b", place, ...local, "-d", "-", ...key);
  t.true(piped.stdoutBytes().equals(made.disk));

  const dry = await run(store, "delete-bundle", "-b", place, "-m", "disk.img.manifest.xml", "--dry-run");
  t.is(dry.stdout().trimEnd().split("\n").length, files.length);
  t.is((await keysIn(store)).length, files.length);
  const gone = await run(
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

test("download-bundle -d - gives all parts as one stream", async (t) => {
  await using made = await opensslBundle();
  const store = await s3Bucket();
  await run(store, "upload-bundle", "-b", store.bucket, "-m", made.bundle.manifestPath, "-d", made.folder);
  const down = await run(store, "download-bundle", "-b", store.bucket, "-p", "disk.img", "-d", "-");
  t.is(down.status, 0, down.stderr());
  const parts = await Promise.all(made.bundle.partNames.map((name) => readFile(join(made.folder, name))));
  t.true(down.stdoutBytes().equals(Buffer.concat(parts)));
});

test("upload-bundle that meets a damaged part leaves nothing in the store", async (t) => {
  await using made = await opensslBundle();
  const store = await s3Bucket();
  const last = join(made.folder, made.bundle.partNames.at(-1)!);
  await writeFile(last, Buffer.alloc(100));
  const up = await run(
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

test("download-bundle that meets a damaged or missing part leaves nothing in the folder", async (t) => {
  await using made = await opensslBundle();
  const store = await s3Bucket();
  await run(store, "upload-bundle", "-b", store.bucket, "-m", made.bundle.manifestPath, "-d", made.folder);
  await store.put(made.bundle.partNames.at(-1)!, Buffer.alloc(100));
  const down = await run(
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

test("upload-bundle replaces objects only with --force, and --skipmanifest leaves the manifest out", async (t) => {
  await using made = await opensslBundle();
  const store = await s3Bucket();
  const args = ["upload-bundle", "-b", store.bucket, "-m", made.bundle.manifestPath, "-d", made.folder];
  t.is((await run(store, ...args, "--skipmanifest")).status, 0);
  t.deepEqual(await keysIn(store), made.bundle.partNames.toSorted());
  const again = await run(store, ...args);
  t.is(again.status, 4);
  t.regex(again.stderr(), /DESTINATION_EXISTS/);
  t.deepEqual(await keysIn(store), made.bundle.partNames.toSorted(), "what was there before stays");
  t.is((await run(store, ...args, "--force")).status, 0);
  t.true((await keysIn(store)).includes("disk.img.manifest.xml"));
});

test("upload-bundle makes a bucket that is not there, and grants reading", async (t) => {
  await using made = await opensslBundle(100_000);
  const store = await s3Bucket();
  const bucket = `${store.bucket}-new`;
  const args = ["-m", made.bundle.manifestPath, "-d", made.folder, "--acl", "public-read"];
  const up = await run(store, "upload-bundle", "-b", `${bucket}/p`, ...args);
  t.is(up.status, 0, up.stderr());
  const response = await fetch(`${store.server.endpoint}/${bucket}/p/disk.img.manifest.xml`);
  t.is(response.status, 200);
  t.deepEqual(Buffer.from(await response.arrayBuffer()), await readFile(made.bundle.manifestPath));
});

test("delete-bundle --clear keeps a bucket that holds something else", async (t) => {
  await using made = await opensslBundle(100_000);
  const store = await s3Bucket();
  await run(store, "upload-bundle", "-b", store.bucket, "-m", made.bundle.manifestPath, "-d", made.folder);
  await store.put("other", Buffer.from("x"));
  const gone = await run(store, "delete-bundle", "-b", store.bucket, "-p", "disk.img", "--clear");
  t.is(gone.status, 4);
  t.regex(gone.stderr(), /DESTINATION_EXISTS .*other objects/);
  t.deepEqual(await keysIn(store), ["other"]);
});

test("upload-bundle takes the parts from beside the manifest", async (t) => {
  t.like(await parsedOptions(uploadBundle, ["-b", "b/p/q", "-m", "some/x.manifest.xml"]), {
    at: { bucket: "b", prefix: "p/q/" },
    directory: "some",
    isManifestSkipped: false,
    overwrite: false,
  });
});

for (const [flags, manifestName] of [
  [["-b", "bucket", "-m", "x.xml"], "s3://bucket/x.xml"],
  [["-b", "bucket/a/b", "-p", "disk"], "s3://bucket/a/b/disk.manifest.xml"],
  [["-b", "s3://bucket/a/", "-p", "disk"], "s3://bucket/a/disk.manifest.xml"],
  [["-b", "bucket", "--local-manifest", "here/x.xml"], "here/x.xml"],
] as const) {
  test(`download-bundle and delete-bundle read ${manifestName} for ${flags.join(" ")}`, async (t) => {
    for (const { bundle } of [
      await parsedOptions(downloadBundle, flags),
      await parsedOptions(deleteBundle, flags),
    ]) {
      t.is(bundle.manifestPlace.nameOf(bundle.manifestFile), manifestName);
    }
  });
}

for (const flags of [
  ["-b", "bucket"],
  ["-b", "bucket", "-m", "x", "-p", "y"],
  ["-b", "", "-m", "x"],
  ["-b", "http://bucket", "-m", "x"],
]) {
  test(`download-bundle ${flags.join(" ")} is refused with ARGUMENT_INVALID`, async (t) => {
    t.is((await failure(() => parsedOptions(downloadBundle, flags))).code, "ARGUMENT_INVALID");
  });
}

test("download-bundle keeps files that exist, unless it is told otherwise", async (t) => {
  await using made = await opensslBundle(100_000);
  const store = await s3Bucket();
  await run(store, "upload-bundle", "-b", store.bucket, "-m", made.bundle.manifestPath, "-d", made.folder);
  await mkdir(made.file("down"));
  const first = made.bundle.partNames[0]!;
  await copyFile("/etc/hostname", made.file(`down/${first}`));
  const args = ["download-bundle", "-b", store.bucket, "-p", "disk.img", "-d", made.file("down")];
  t.is((await run(store, ...args)).status, 4);
  t.deepEqual(await readdir(made.file("down")), [first]);
  t.deepEqual(await readFile(made.file(`down/${first}`)), await readFile("/etc/hostname"));
  t.is((await run(store, ...args, "-f")).status, 0);
});
