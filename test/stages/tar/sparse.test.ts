import test from "ava";
import { byteReader } from "../../../stages/byte-reader.ts";
import { isPaxSparse, paxMap } from "../../../stages/tar/sparse.ts";
import { chunked } from "../../support/bytes.ts";
import { failure } from "../../support/errors.ts";

const records = (values: Readonly<Record<string, string>>, sparseNumbers: readonly number[] = []) => ({
  values: new Map(Object.entries(values)),
  sparseNumbers,
});
const map = (found: ReturnType<typeof records>, data = "") =>
  paxMap(found, byteReader(chunked(Buffer.from(data))));
const in10 = (text: string): string => text.padEnd(Math.ceil(text.length / 512) * 512, "\0");

test("isPaxSparse() tells the three formats from plain members", (t) => {
  t.false(isPaxSparse(records({ path: "disk.img" })));
  t.true(isPaxSparse(records({ "GNU.sparse.map": "" })));
  t.true(isPaxSparse(records({ "GNU.sparse.major": "1" })));
  t.true(isPaxSparse(records({ "GNU.sparse.size": "1" })));
  t.true(isPaxSparse(records({}, [0, 1])));
});

test("paxMap() reads the same map in formats 0.0, 0.1 and 1.0", async (t) => {
  const runs = [
    { offset: 10, length: 5 },
    { offset: 20, length: 0 },
  ];
  const size = { "GNU.sparse.size": "100" };
  t.deepEqual((await map(records(size, [10, 5, 20, 0]))).map, { sizeBytes: 100, runs });
  t.deepEqual((await map(records({ ...size, "GNU.sparse.map": "10,5,20,0" }))).map, { sizeBytes: 100, runs });
  const major = records({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "100" });
  t.deepEqual(await map(major, in10("2\n10\n5\n20\n0\n")), { map: { sizeBytes: 100, runs }, mapBytes: 512 });
});

test("paxMap() reads a map of format 1.0 whose numbers are cut by blocks", async (t) => {
  const numbers = Array.from({ length: 100 }, (_, run) => `${1_000_000 + run * 10}\n10\n`);
  const found = records({ "GNU.sparse.major": "1", "GNU.sparse.realsize": "2000000" });
  const { map: layout, mapBytes } = await map(found, in10(`100\n${numbers.join("")}`));
  t.is(layout.runs.length, 100);
  t.deepEqual(layout.runs.at(-1), { offset: 1_000_990, length: 10 });
  t.is(mapBytes, 1536);
});

test("paxMap() fails with ARCHIVE_INVALID for maps that overlap, reach out, or end early", async (t) => {
  const size = { "GNU.sparse.size": "100" };
  const found = {
    overlapping: map(records({ ...size, "GNU.sparse.map": "10,5,14,1" })),
    "reaching out": map(records({ ...size, "GNU.sparse.map": "99,2" })),
    odd: map(records({ ...size, "GNU.sparse.map": "99" })),
    "without size": map(records({ "GNU.sparse.map": "1,1" })),
    empty: map(records({ "GNU.sparse.major": "1", "GNU.sparse.realsize": "1" })),
    endless: map(records({ "GNU.sparse.major": "1", "GNU.sparse.realsize": "1" }), "1".repeat(2048)),
  };
  for (const [what, layout] of Object.entries(found))
    t.is((await failure(() => layout)).code, "ARCHIVE_INVALID", what);
});

test("paxMap() fails with ARCHIVE_UNSAFE for a count of runs made to fill the memory", async (t) => {
  const found = records({ "GNU.sparse.major": "1", "GNU.sparse.realsize": "1" });
  t.is((await failure(() => map(found, in10("99999999\n")))).code, "ARCHIVE_UNSAFE");
});
