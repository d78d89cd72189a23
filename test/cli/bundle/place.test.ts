import { readdir, readFile, writeFile } from "node:fs/promises";
import test from "ava";
import { bucketPlace, folderPlace, parseBucketPath } from "../../../cli/bundle/place.ts";
import { S3_PROGRAMS } from "../../support/s3-server.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { requires } from "../../support/requires.ts";
import { s3Bucket } from "../../support/s3-bucket.ts";

for (const [text, bucket, prefix] of [
  ["images", "images", ""],
  ["images/", "images", ""],
  ["images/a//b/", "images", "a/b/"],
  ["s3://images/a", "images", "a/"],
] as const) {
  test(`parseBucketPath() reads ${text}`, (t) => {
    t.deepEqual(parseBucketPath(text), { bucket, prefix });
  });
}

for (const text of ["", "/a", "https://host/bucket", "s3://"]) {
  test(`parseBucketPath() refuses "${text}" with ARGUMENT_INVALID`, async (t) => {
    t.is((await failure(() => parseBucketPath(text))).code, "ARGUMENT_INVALID");
  });
}

test("folderPlace() reads, writes and removes beside each other", async (t) => {
  await using folder = await temporaryFolder();
  const place = folderPlace(folder.path);
  await writeFile(folder.file("a"), "one");
  t.is((await collect(place.source("a").bytes(testContext()))).toString(), "one");
  t.is(
    (await failure(() => place.destination("a", { overwrite: false }).open(testContext(), {}))).code,
    "DESTINATION_EXISTS",
  );
  await using draft = await place.destination("b", { overwrite: false }).open(testContext(), {});
  await draft.write(chunked(Buffer.from("two")));
  await draft.commit();
  t.is(await readFile(folder.file("b"), "utf8"), "two");
  await place.remove(["a", "never there"], testContext());
  t.deepEqual(await readdir(folder.path), ["b"]);
  t.is(place.nameOf("b"), folder.file("b"));
});

requires(...S3_PROGRAMS)("bucketPlace() reads, writes and removes under its prefix", async (t) => {
  const store = await s3Bucket();
  const place = bucketPlace({ bucket: store.bucket, prefix: "p/" }, store.access);
  await store.put("p/a", Buffer.from("one"));
  t.is((await collect(place.source("a").bytes(testContext()))).toString(), "one");
  const draft = await place.destination("b", { overwrite: false }).open(testContext(), {});
  await draft.write(chunked(Buffer.from("two")));
  await draft.commit();
  t.is(Buffer.from((await store.get("p/b"))!).toString(), "two");
  await place.remove(["a", "never there"], testContext());
  t.is(await store.get("p/a"), undefined);
  t.is(place.nameOf("b"), `s3://${store.bucket}/p/b`);
});
