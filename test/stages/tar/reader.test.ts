import { Readable } from "node:stream";
import test from "ava";
import fc from "fast-check";
import { extract, pack } from "tar-stream";
import { seededBytes } from "../../../fixtures/seeded.ts";
import type { Bytes } from "../../../pipeline/contract.ts";
import { tarReader } from "../../../stages/tar/reader.ts";
import { chunked, collect } from "../../support/bytes.ts";

interface Entry {
  readonly name: string;
  readonly content: Buffer;
}

async function ours(archive: Uint8Array, chunkBytes: number): Promise<readonly Entry[]> {
  const reader = tarReader(chunked(archive, chunkBytes));
  const entries: Entry[] = [];
  for (let member = await reader.next(); member !== undefined; member = await reader.next()) {
    entries.push({ name: member.name, content: await collect(member.bytes()) });
  }
  await reader.drain();
  await reader.close();
  return entries;
}

async function byTarStream(archive: Uint8Array): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of Readable.from([archive]).pipe(extract())) {
    entries.push({ name: entry.header.name, content: await collect(entry as unknown as Bytes) });
  }
  return entries;
}

test("tarReader() reads what tar-stream writes, as tar-stream itself does", async (t) => {
  const name = fc.stringMatching(/^[a-z]{1,60}(\/[a-zü]{1,90}){0,3}$/);
  const files = fc.array(fc.record({ name, sizeBytes: fc.integer({ min: 0, max: 3000 }) }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(files, fc.integer({ min: 1, max: 2000 }), async (files, chunkBytes) => {
      const packing = pack();
      for (const { name, sizeBytes } of files) packing.entry({ name }, seededBytes(name, sizeBytes));
      packing.finalize();
      const archive = await collect(packing as unknown as Bytes);
      const [mine, theirs] = [await ours(archive, chunkBytes), await byTarStream(archive)];
      return (
        mine.length === files.length &&
        mine.every(
          (entry, at) => entry.name === theirs[at]!.name && entry.content.equals(theirs[at]!.content),
        )
      );
    }),
    { numRuns: Number(process.env["PROPERTY_RUNS"] ?? 30) },
  );
  t.pass();
});
