import test from "ava";
import { byteReader } from "../../../stages/byte-reader.ts";
import { type TarExtractor, tarExtractor } from "../../../stages/tar/extractor.ts";
import { chunked, collect } from "../../support/bytes.ts";
import { failure } from "../../support/errors.ts";
import { entry, pax, record } from "./archive.ts";

const header = (...args: Parameters<typeof entry>): Buffer => entry(...args).subarray(0, 512);

async function closing<T>(use: (extractor: TarExtractor) => Promise<T>): Promise<T> {
  const extractor = tarExtractor();
  try {
    return await use(extractor);
  } finally {
    await extractor.close();
  }
}

test("tarExtractor() gives names and sizes with PAX records applied", async (t) => {
  await closing(async (extractor) => {
    extractor.extend(pax({ path: "long/näme.img", size: "77" }));
    t.like(await extractor.entry(header("short", { content: "x" })), {
      name: "long/näme.img",
      storedBytes: 77,
    });
  });
});

test("tarExtractor() hands out the very chunks it is given, one at a time", async (t) => {
  await closing(async (extractor) => {
    const given = [Buffer.alloc(100_000, 1), Buffer.alloc(3, 2), Buffer.alloc(200_000, 3)];
    let pulled = 0;
    async function* input() {
      for (const chunk of given) {
        pulled++;
        yield chunk;
      }
      yield Buffer.alloc(512 - (300_003 % 512));
    }
    const found = await extractor.entry(header("a", { content: Buffer.alloc(300_003) }));
    let seen = 0;
    for await (const chunk of found.bytes(byteReader(input()))) {
      t.is(chunk, given[seen]!);
      t.is(pulled, ++seen);
    }
    t.is(seen, 3);
  });
});

test("tarExtractor() reads entry behind entry, also empty ones", async (t) => {
  await closing(async (extractor) => {
    for (const content of ["", "one", "x".repeat(512), "", "y".repeat(513)]) {
      const archive = byteReader(chunked(entry("a", { content }).subarray(512), 100));
      const found = await extractor.entry(header("a", { content }));
      t.is((await collect(found.bytes(archive))).toString(), content);
      t.is(archive.position % 512, 0, "its padding is taken");
    }
  });
});

test("tarExtractor() fails with ARCHIVE_INVALID where tar-stream refuses a header, and for ever after", async (t) => {
  await closing(async (extractor) => {
    const damaged = header("a");
    damaged[0] = 0x62;
    for (const block of [damaged, header("a")]) {
      const error = await failure(() => extractor.entry(block));
      t.is(error.code, "ARCHIVE_INVALID");
      t.regex(String(error.cause), /Invalid tar header/);
    }
  });
});

test("tarExtractor() fails with ARCHIVE_INVALID when data or padding ends early", async (t) => {
  for (const leftBytes of [0, 1, 99, 100, 511]) {
    await closing(async (extractor) => {
      const content = Buffer.alloc(100, 1);
      const found = await extractor.entry(header("a", { content }));
      const data = chunked(entry("a", { content }).subarray(512, 512 + leftBytes));
      t.is((await failure(() => collect(found.bytes(byteReader(data))))).code, "ARCHIVE_INVALID");
    });
  }
});

test("tarExtractor() passes on what its input throws, and closes twice, also inside of an entry", async (t) => {
  await closing(async (extractor) => {
    const broken = new Error("The line went dead");
    async function* input() {
      yield Buffer.alloc(10);
      throw broken;
    }
    const found = await extractor.entry(header("a", { content: Buffer.alloc(20) }));
    t.is(await t.throwsAsync(() => collect(found.bytes(byteReader(input())))), broken);
    await extractor.close();
  });
});

test("tarExtractor() gives the last of repeated records", async (t) => {
  await closing(async (extractor) => {
    extractor.extend(entry("pax", { type: "x", content: record("path", "a") + record("path", "b") }));
    t.is((await extractor.entry(header("c"))).name, "b");
  });
});
