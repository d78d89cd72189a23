import { appendFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { cp, writeFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { gzipSync } from "node:zlib";
import test from "ava";
import { seededBytes } from "../../fixtures/seeded.ts";
import type { ErrorCode } from "../../pipeline/errors.ts";
import { refuses } from "../support/bad-input.ts";
import { faultProxy } from "../support/fault-proxy.ts";
import { httpServer, serve } from "../support/http-server.ts";
import { BUNDLE_PROGRAMS, opensslBundle } from "../support/openssl-bundle.ts";
import { requires } from "../support/requires.ts";
import { s3Bucket } from "../support/s3-bucket.ts";
import { S3_PROGRAMS } from "../support/s3-server.ts";

const MIB = 1024 * 1024;
const CONTENT = seededBytes("source", 12 * MIB);
const withQemu = requires("qemu-img", "qemu-nbd");

for (const [title, args, code] of [
  ["a file that is not there", ["none.raw"], "SOURCE_NOT_FOUND"],
  ["a folder", ["."], "SOURCE_UNSUITABLE"],
  ["a bundle that is not there", ["none.manifest.xml"], "SOURCE_NOT_FOUND"],
] as const) {
  refuses(test, {
    title: `convert of ${title}`,
    code,
    arrange: (folder) => ["convert", ...args.map((name) => folder.file(name)), folder.file("out.raw")],
  });
}

/** What happens to a file while it is read: streamed through a decompressor, or by qemu-img. */
for (const [title, act, code] of [
  ["is cut", (path: string) => truncateSync(path, MIB), "SOURCE_CHANGED"],
  ["grows", (path: string) => appendFileSync(path, "more"), "SOURCE_CHANGED"],
  ["is replaced", (path: string) => renameSync(`${path}.next`, path), "SOURCE_CHANGED"],
  ["is written to", (path: string) => writeFileSync(path, "new", { flag: "r+" }), "SOURCE_CHANGED"],
] as const) {
  for (const [name, out, step] of [
    ["disk.raw.gz", "out.raw", "read"],
    ["disk.raw", "out.qcow2", "convert"],
    ["disk.raw", "out.raw", "compare"],
  ] as const) {
    refuses(withQemu, {
      title: `convert of ${name} to ${out} that ${title} once "${step}" began`,
      code,
      async arrange(folder) {
        const path = folder.file(name);
        await writeFile(path, name.endsWith(".gz") ? gzipSync(CONTENT, { level: 1 }) : CONTENT);
        await writeFile(`${path}.next`, "another");
        return { args: ["convert", path, folder.file(out)], onStep: { step, act: () => act(path) } };
      },
    });
  }
}

for (const step of ["convert", "compare", "check"]) {
  refuses(withQemu, {
    title: `convert of a file that is removed once "${step}" began`,
    code: "SOURCE_CHANGED",
    async arrange(folder) {
      const path = folder.file("disk.raw");
      await writeFile(path, CONTENT);
      return { args: ["convert", path, folder.file("out.qcow2")], onStep: { step, act: () => rmSync(path) } };
    },
  });
}

refuses(requires(...BUNDLE_PROGRAMS), {
  title: "convert of a bundle whose last part goes away while the first are read",
  code: "SOURCE_NOT_FOUND",
  says: /part\.\d+/,
  async arrange(folder) {
    await using made = await opensslBundle(12 * MIB);
    await cp(made.folder, folder.file("bundle"), { recursive: true });
    const last = folder.file(`bundle/${made.bundle.partNames.at(-1)!}`);
    const manifest = folder.file("bundle/disk.img.manifest.xml");
    return {
      args: ["convert", manifest, folder.file("out.raw"), "--key", made.keyPath],
      onStep: { step: "read", act: () => rmSync(last) },
    };
  },
});

for (const [title, status, code] of [
  ["403", 403, "SOURCE_FORBIDDEN"],
  ["404", 404, "SOURCE_NOT_FOUND"],
  ["410", 410, "SOURCE_NOT_FOUND"],
] as const) {
  refusesFromHttp(
    `that answers ${title}`,
    code,
    (_request, response) => void response.writeHead(status).end(),
  );
}

refusesFromHttp(
  "whose object is replaced between two ranges",
  "SOURCE_CHANGED",
  changing((request, response) => serve(CONTENT, request, response, { etag: '"two"' })),
);

refusesFromHttp(
  "whose object goes away between two ranges",
  "SOURCE_NOT_FOUND",
  changing((_request, response) => void response.writeHead(404).end()),
);

/** Serves the head and the first megabytes well; what comes after a break, otherwise. */
function changing(otherwise: RequestListener): RequestListener {
  let count = 0;
  return (request, response) => {
    count++;
    if (count > 3) otherwise(request, response);
    else serve(CONTENT, request, response, { etag: '"one"', ...(count === 3 ? { cutAfter: 2 * MIB } : {}) });
  };
}

function refusesFromHttp(title: string, code: ErrorCode, listener: RequestListener): void {
  refuses(test, {
    title: `convert from a server ${title}`,
    code,
    async arrange(folder, cleanup) {
      const server = cleanup.use(await httpServer(listener));
      return ["convert", `${server.origin}/disk.raw`, folder.file("out.raw"), "--from", "raw"];
    },
  });
}

const testS3 = requires(...S3_PROGRAMS);

/** Through the proxy, with the right credentials. */
async function stored(cleanup: AsyncDisposableStack) {
  const store = await s3Bucket();
  await store.put("disk.raw", CONTENT);
  const proxy = cleanup.use(await faultProxy(store.server.endpoint));
  const { accessKeyId, secretAccessKey } = store.server;
  const flags = ["-U", proxy.endpoint, "-I", accessKeyId, "-S", secretAccessKey];
  return { store, proxy, flags, url: `s3://${store.bucket}/disk.raw` };
}

const DATE = { date: "Sat, 01 Jan 2000 00:00:00 GMT" };

for (const [title, answer, code] of [
  ["403", { status: 403 }, "SOURCE_FORBIDDEN"],
  ["404", { status: 404 }, "SOURCE_NOT_FOUND"],
  ["503", { status: 503 }, "SOURCE_UNAVAILABLE"],
  ["403 on a day long ago", { status: 403, headers: DATE }, "CLOCK_SKEW"],
] as const) {
  for (const when of ["from the start", "half-way"] as const) {
    refuses(testS3, {
      title: `convert from a store that answers ${title} ${when}`,
      code,
      async arrange(folder, cleanup) {
        const { proxy, flags, url } = await stored(cleanup);
        const args = ["convert", url, folder.file("out.raw"), ...flags];
        const act = () => proxy.set({ answer });
        if (when === "half-way") return { args, onStep: { step: "read", act } };
        act();
        return args;
      },
    });
  }
}

for (const [title, replace, code] of [
  ["deleted", undefined, "SOURCE_NOT_FOUND"],
  ["replaced", seededBytes("another", 12 * MIB), "SOURCE_CHANGED"],
] as const) {
  refuses(testS3, {
    title: `convert of an object that is ${title} between two ranges`,
    code,
    async arrange(folder, cleanup) {
      const { store, proxy, flags, url } = await stored(cleanup);
      const { client, sdk, bucket } = store;
      const change = async () => {
        if (replace !== undefined) await store.put("disk.raw", replace);
        else await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: "disk.raw" }));
        proxy.set({});
      };
      const act = () => {
        proxy.set({ refuse: true }); // until the object is another
        void change();
      };
      return { args: ["convert", url, folder.file("out.raw"), ...flags], onStep: { step: "read", act } };
    },
  });
}

for (const [title, flags, code, says] of [
  ["with a wrong secret", ["-I", "testtester", "-S", "wrong"], "SOURCE_FORBIDDEN", /signature/],
  ["without signature", ["--no-sign-request"], "SOURCE_FORBIDDEN", /denied/],
] as const) {
  refuses(testS3, {
    title: `convert from a store ${title}`,
    code,
    says,
    async arrange(folder) {
      const store = await s3Bucket();
      await store.put("disk.raw", CONTENT.subarray(0, 512));
      const url = `s3://${store.bucket}/disk.raw`;
      return ["convert", url, folder.file("out.raw"), "-U", store.server.endpoint, ...flags];
    },
  });
}
