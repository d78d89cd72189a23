import { createHash } from "node:crypto";
import type { S3Client } from "@aws-sdk/client-s3";

/** The requests whose body is checked against the header by AWS, Ceph RGW and Swift. */
const COMMANDS: ReadonlySet<string> = new Set([
  "DeleteObjectsCommand",
  "PutObjectCommand",
  "UploadPartCommand",
]);

/**
 * Makes `client` send Content-MD5. Swift refuses DeleteObjects without it, for which the SDK sends CRC32 since 2025; and
 * it is the one checksum that all three stores verify. Can go when Swift accepts x-amz-checksum-* for DeleteObjects.
 */
export function addContentMd5(client: S3Client): void {
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const { request } = args;
        if (COMMANDS.has(commandName ?? "") && isHttpRequest(request)) {
          const { body } = request;
          if (typeof body === "string" || body instanceof Uint8Array) {
            request.headers["content-md5"] = createHash("md5").update(body).digest("base64");
          }
        }
        return await next(args);
      },
    { step: "build", priority: "low", name: "contentMd5" },
  );
}

function isHttpRequest(
  request: unknown,
): request is { readonly headers: Record<string, string>; readonly body: unknown } {
  return typeof request === "object" && request !== null && "headers" in request && "body" in request;
}
