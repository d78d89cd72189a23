import { addContentMd5 } from "../../stages/s3-content-md5.ts";
import { requires } from "../support/requires.ts";
import { s3Bucket } from "../support/s3-bucket.ts";
import { S3_PROGRAMS } from "../support/s3-server.ts";

const test = requires(...S3_PROGRAMS);

test("addContentMd5() sends the digest of what is put", async (t) => {
  const { access, bucket, sdk } = await s3Bucket();
  const client = await access.newClient(new AbortController().signal);
  addContentMd5(client);
  let sent: unknown;
  client.middlewareStack.add(
    (next) => async (args) => {
      const { request } = args;
      if (typeof request === "object" && request !== null && "headers" in request) sent = request.headers;
      return await next(args);
    },
    { step: "finalizeRequest", name: "look" },
  );
  await client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key: "k", Body: Buffer.from("abc") }));
  t.like(sent, { "content-md5": "kAFQmDzST7DWlj99KOF/cg==" });
  await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: "k" }));
  t.false("content-md5" in Object(sent));
});
