import { s3Parts } from "../../../stages/destinations/s3-parts.ts";
import { chunked } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { requires } from "../../support/requires.ts";
import { s3Bucket } from "../../support/s3-bucket.ts";
import { S3_PROGRAMS } from "../../support/s3-server.ts";

const test = requires(...S3_PROGRAMS);
const context = testContext();
const text = (content: string) => chunked(Buffer.from(content));

test("s3Parts() stores files under its prefix, and takes away what it stored", async (t) => {
  const { bucket, access, get } = await s3Bucket();
  const store = s3Parts({ bucket, prefix: "images/" }, access);
  t.is(store.name, `s3://${bucket}/images`);
  await store.prepare("m", context);
  await store.write("a", text("A"), context);
  t.is(Buffer.from((await get("images/a"))!).toString(), "A");
  await store.remove(["a", "never"]);
  t.is(await get("images/a"), undefined);
});

test("s3Parts() replaces only when asked to, and removes nothing that it did not write", async (t) => {
  const { bucket, access, get, put } = await s3Bucket();
  await put("m", Buffer.from("before"));
  const careful = s3Parts({ bucket, prefix: "" }, access);
  t.is(careful.name, `s3://${bucket}`);
  t.is((await failure(() => careful.prepare("m", context))).code, "DESTINATION_EXISTS");
  t.is((await failure(() => careful.write("m", text("M"), context))).code, "DESTINATION_EXISTS");
  await careful.remove(["m"]);
  t.is(Buffer.from((await get("m"))!).toString(), "before");
  const bold = s3Parts({ bucket, prefix: "" }, access, { overwrite: true });
  await bold.prepare("m", context);
  await bold.write("m", text("M"), context);
  t.is(Buffer.from((await get("m"))!).toString(), "M");
});
