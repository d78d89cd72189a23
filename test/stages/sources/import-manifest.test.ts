import test from "ava";
import { seededBytes } from "../../../fixtures/seeded.ts";
import type { ImportManifest } from "../../../manifest/import.ts";
import { importManifestSource } from "../../../stages/sources/import-manifest.ts";
import { PIECE_BYTES } from "../../../stages/sources/pieces.ts";
import { collect } from "../../support/bytes.ts";
import { testContext } from "../../support/context.ts";
import { failure } from "../../support/errors.ts";
import { httpServer, type ServedContent, serve } from "../../support/http-server.ts";
import { IMPATIENT } from "../../support/s3-bucket.ts";
import { sourceContract } from "./contract.ts";

const MIB = 1024 * 1024;
const CONTENT = seededBytes("import manifest", 3 * MIB + 7);
const OPTIONS = { retry: IMPATIENT };

/** A manifest of parts of `partBytes`, the addresses of which end in `?part=<index>`. */
function manifestOf(origin: string, partBytes: number, sizeBytes = CONTENT.byteLength): ImportManifest {
  const parts = Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, index) => ({
    index,
    startByte: index * partBytes,
    endByteInclusive: Math.min(sizeBytes, (index + 1) * partBytes) - 1,
    key: `disk.img.part.${index}`,
    headUrl: "http://unused.invalid/",
    getUrl: `${origin}/disk.img?part=${index}&Signature=hidden`,
    deleteUrl: "http://unused.invalid/",
  }));
  const importer = { name: "test", version: "1", release: "0" };
  return { fileFormat: "RAW", importer, sizeBytes, volumeSizeGib: 1, parts };
}

/** Serves the parts of `content`; `options` by the number of the request for a part. */
async function partServer(
  partBytes: number,
  options: (index: number, count: number) => ServedContent = () => ({}),
  content: Uint8Array = CONTENT,
) {
  const counts = new Map<number, number>();
  return await httpServer((request, response) => {
    const index = Number(new URL(request.url ?? "", "http://host").searchParams.get("part"));
    const count = counts.get(index) ?? 0;
    counts.set(index, count + 1);
    const part = content.subarray(index * partBytes, (index + 1) * partBytes);
    serve(part, request, response, options(index, count));
  });
}

sourceContract("importManifestSource()", async () => {
  const server = await partServer(1_000_000);
  return {
    source: importManifestSource(manifestOf(server.origin, 1_000_000), OPTIONS),
    content: CONTENT,
    openCount: () => server.requests.length,
    secrets: ["hidden", "?"],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
});

test("importManifestSource() asks for small parts whole, so that a server need not know ranges", async (t) => {
  await using server = await partServer(MIB, () => ({ ranges: false }));
  const source = importManifestSource(manifestOf(server.origin, MIB), OPTIONS);
  t.true((await collect(source.bytes(testContext()))).equals(CONTENT));
  t.deepEqual([...new Set(server.requests.map(({ headers }) => headers.range))], [undefined]);
});

test("importManifestSource() reads large parts by ranges", async (t) => {
  const content = seededBytes("large", 20 * MIB);
  await using server = await partServer(18 * MIB, () => ({}), content);
  const source = importManifestSource(manifestOf(server.origin, 18 * MIB, content.byteLength), OPTIONS);
  t.true((await collect(source.bytes(testContext()))).equals(content));
  t.is(server.requests.length, Math.ceil((18 * MIB) / PIECE_BYTES) + 1);
});

test("importManifestSource() goes on in a part where it broke", async (t) => {
  await using server = await partServer(MIB, (index, count) =>
    index === 1 && count < 2 ? { cutAfter: 300_000 } : {},
  );
  const source = importManifestSource(manifestOf(server.origin, MIB), OPTIONS);
  t.true((await collect(source.bytes(testContext()))).equals(CONTENT));
  const ranges = server.requests.map(({ headers }) => headers.range).filter((range) => range !== undefined);
  t.deepEqual(ranges, ["bytes=300000-1048575", "bytes=600000-1048575"]);
});

test("importManifestSource() fails with SIZE_MISMATCH for a part that is longer or shorter than stated", async (t) => {
  for (const change of [-1, 1]) {
    await using server = await partServer(MIB + change);
    const error = await failure(() =>
      collect(importManifestSource(manifestOf(server.origin, MIB), OPTIONS).bytes(testContext())),
    );
    t.is(error.code, "SIZE_MISMATCH");
    t.regex(error.message, new RegExp(`part 0 .* has ${MIB + change} bytes: the manifest says ${MIB}$`));
    t.false(error.message.includes("hidden"));
  }
});

test("importManifestSource() fails with SOURCE_CHANGED when a part is replaced while it is read", async (t) => {
  await using server = await partServer(MIB, (index, count) => ({
    etag: `"${index === 1 ? count : 0}"`,
    ...(count === 0 ? { cutAfter: 300_000 } : {}),
  }));
  const source = importManifestSource(manifestOf(server.origin, MIB), OPTIONS);
  t.is((await failure(() => collect(source.bytes(testContext())))).code, "SOURCE_CHANGED");
});

test("importManifestSource() names the part that is missing or whose address expired", async (t) => {
  for (const [status, code] of [
    [404, "SOURCE_NOT_FOUND"],
    [403, "SOURCE_FORBIDDEN"],
  ] as const) {
    await using server = await httpServer((request, response) => {
      if (request.url?.includes("part=2") === true) response.writeHead(status).end();
      else serve(CONTENT.subarray(0, MIB), request, response);
    });
    const source = importManifestSource(manifestOf(server.origin, MIB), OPTIONS);
    const error = await failure(() => collect(source.bytes(testContext())));
    t.is(error.code, code);
    t.regex(error.message, /part 2/);
    t.false(error.message.includes("hidden"));
  }
});

test("importManifestSource() takes a last range that ends at the size to be one byte shorter", async (t) => {
  await using server = await partServer(MIB);
  const manifest = manifestOf(server.origin, MIB);
  const parts = manifest.parts.map((part, index) =>
    index === 3 ? { ...part, endByteInclusive: manifest.sizeBytes } : part,
  );
  const source = importManifestSource({ ...manifest, parts }, OPTIONS);
  t.deepEqual(await source.facts(testContext()), { sizeBytes: CONTENT.byteLength, seekable: true });
  t.true((await collect(source.bytes(testContext()))).equals(CONTENT));
});
