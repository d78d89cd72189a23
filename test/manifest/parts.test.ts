import test from "ava";
import * as fc from "fast-check";
import { partCollector } from "../../manifest/parts.ts";
import { parseXml } from "../../manifest/xml.ts";
import { failure } from "../support/errors.ts";
import { propertyRuns } from "../support/manifests.ts";

function inOrder(text: string): readonly number[] {
  const parts = partCollector(["a", "parts", "part"], (_, index) => index);
  return parts.inOrder(parseXml(Buffer.from(text), {}, parts));
}

/** The indices in the order that partCollector() gives, for parts in the order given. */
function collected(indices: readonly number[]): readonly number[] {
  return inOrder(`<a><parts>${indices.map((index) => `<part index="${index}"/>`).join("")}</parts></a>`);
}

test("partCollector() sorts any order of indices, and refuses any hole or repetition", async (t) => {
  const shuffled = fc
    .integer({ min: 1, max: 30 })
    .chain((count) => fc.shuffledSubarray([...Array(count).keys()], { minLength: count, maxLength: count }));
  fc.assert(
    fc.property(shuffled, (indices) => {
      t.deepEqual(collected(indices), [...indices.keys()]);
    }),
    { numRuns: propertyRuns(100) },
  );
  for (const indices of [[1], [0, 2], [0, 0], [0, 1, 1], [0, 1, 3, 2, 5], [2 ** 40]]) {
    t.is((await failure(() => collected(indices))).code, "MANIFEST_INVALID");
  }
});

test("partCollector() takes no part from anywhere else", async (t) => {
  const stray = `<x><parts><part index="1"/></parts></x><part index="1"/>`;
  t.deepEqual(
    inOrder(`<a>${stray}<parts><part index="0"/><y><part index="1"/></y></parts>${stray}</a>`),
    [0],
  );
  t.is((await failure(() => inOrder(`<a>${stray}<parts/></a>`))).code, "MANIFEST_INVALID");
  t.is((await failure(() => inOrder(`<b><parts><part index="0"/></parts></b>`))).code, "MANIFEST_INVALID");
});

test("partCollector() keeps what reading the first broken part threw until the parts are asked for", async (t) => {
  const thrown = new Error("part 1");
  const parts = partCollector(["a", "parts", "part"], (_, index) => {
    if (index > 0) throw thrown;
  });
  const root = parseXml(
    Buffer.from(`<a><parts><part index="0"/><part index="1"/><part index="2"/></parts></a>`),
    {},
    parts,
  );
  t.is(
    t.throws(() => parts.inOrder(root)),
    thrown,
  );
});

for (const text of ["<a/>", "<a><parts/></a>", "<a><parts/><parts/></a>", `<a><parts><part/></parts></a>`]) {
  test(`partCollector() fails with MANIFEST_INVALID for ${text}`, async (t) => {
    t.is((await failure(() => inOrder(text))).code, "MANIFEST_INVALID");
  });
}
