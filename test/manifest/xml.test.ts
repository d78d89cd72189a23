import { once } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import test from "ava";
import * as fc from "fast-check";
import { parseXml } from "../../manifest/xml.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { failure } from "../support/errors.ts";
import { manifestSample, propertyRuns } from "../support/manifests.ts";

const parse = (text: string | Uint8Array, limits = {}) =>
  parseXml(typeof text === "string" ? Buffer.from(text) : text, limits);

test("parseXml() reads elements, attributes of either quote, text, CDATA and character references", (t) => {
  const root = parse(
    `<?xml version='1.0'?><!-- a --><a x="1" y='&quot;2'>\n <b> t&amp;&#233;&#x1F600; </b><c/><b><![CDATA[<raw>]]> u</b>\n</a>`,
  );
  t.deepEqual(root, {
    name: "a",
    attributes: [
      { name: "x", value: "1" },
      { name: "y", value: '"2' },
    ],
    text: "",
    children: [
      { name: "b", attributes: [], text: "t&é😀", children: [] },
      { name: "c", attributes: [], text: "", children: [] },
      { name: "b", attributes: [], text: "<raw> u", children: [] },
    ],
  });
});

test("parseXml() accepts a byte order mark and the encodings UTF-8 and ASCII", (t) => {
  t.is(parse("\u{feff}<a>é</a>").text, "é");
  for (const encoding of ["UTF-8", "utf-8", "ASCII", "us-ascii"]) {
    t.is(parse(`<?xml version="1.0" encoding="${encoding}"?><a/>`).name, "a");
  }
});

const refused: Readonly<Record<string, string | Uint8Array>> = {
  nothing: "",
  "white space": " \n",
  "text alone": "manifest",
  "half a document": `<manifest><image><name>disk`,
  "a document cut inside a tag": `<manifest><image na`,
  "crossed tags": "<a><b></a></b>",
  "two roots": "<a/><b/>",
  "text after the root": "<a/>b",
  "an attribute twice": `<a b="1" b="2"/>`,
  "an attribute without quotes": "<a b=1/>",
  "a document type": "<!DOCTYPE a><a/>",
  "a document type with an entity": `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`,
  "an external entity": `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`,
  "a declaration inside": "<a><!ENTITY b 'c'></a>",
  "an unknown entity": "<a>&b;</a>",
  "an entity named as a property of every object": "<a>&constructor;</a>",
  "a bare ampersand": "<a>b & c</a>",
  "a reference to NUL": "<a>&#0;</a>",
  "a reference past Unicode": "<a>&#x110000;</a>",
  "a reference to half a character": "<a>&#xD800;</a>",
  "a NUL": "<a>\u0000</a>",
  "bytes that are not UTF-8": Buffer.from("<a>\u00e9</a>", "latin1"),
  "UTF-16": Buffer.from("\u{feff}<a/>", "utf16le"),
  "another encoding": `<?xml version="1.0" encoding="ISO-8859-1"?><a/>`,
  "a page for people": "<html><head><title>403</title><body>Forbidden<br></html>",
};

for (const [what, text] of Object.entries(refused)) {
  test(`parseXml() fails with MANIFEST_INVALID for ${what}`, async (t) => {
    const error = await failure(() => parse(text));
    t.is(error.code, "MANIFEST_INVALID");
    t.truthy(error.remedy);
    t.notRegex(error.message, /\.$/);
  });
}

const LIMITS = {
  maxDepth: 3,
  maxElements: 12,
  maxChildren: 5,
  maxAttributes: 2,
  maxTokenBytes: 40,
};

const bounds: Readonly<Record<string, (n: number) => { readonly text: string; readonly limit: number }>> = {
  maxDepth: (n) => ({ text: "<a>".repeat(3 + n) + "</a>".repeat(3 + n), limit: LIMITS.maxDepth }),
  maxElements: (n) => ({
    text: `<a><b>${"<c/>".repeat(5)}</b><b>${"<c/>".repeat(4 + n)}</b></a>`,
    limit: LIMITS.maxElements,
  }),
  maxChildren: (n) => ({ text: `<a>${"<b/>".repeat(5 + n)}</a>`, limit: LIMITS.maxChildren }),
  maxAttributes: (n) => ({
    text: `<a ${["b", "c", "d"]
      .slice(0, 2 + n)
      .map((name) => `${name}=""`)
      .join(" ")}/>`,
    limit: LIMITS.maxAttributes,
  }),
};

for (const [name, make] of Object.entries(bounds)) {
  test(`parseXml() accepts what is at ${name}, and fails with MANIFEST_TOO_LARGE one above`, async (t) => {
    t.notThrows(() => parse(make(-1).text, LIMITS));
    t.notThrows(() => parse(make(0).text, LIMITS));
    const error = await failure(() => parse(make(1).text, LIMITS));
    t.is(error.code, "MANIFEST_TOO_LARGE");
    t.true(error.message.includes(String(make(1).limit)), error.message);
  });
}

test("parseXml() accepts a text of maxBytes, and fails with MANIFEST_TOO_LARGE at one byte more", async (t) => {
  const text = "<a><b/></a>";
  t.notThrows(() => parse(text, { maxBytes: text.length }));
  const error = await failure(() => parse(text, { maxBytes: text.length - 1 }));
  t.is(error.code, "MANIFEST_TOO_LARGE");
});

for (const [what, make] of Object.entries({
  "an attribute": (length: number) => `<a b="${"x".repeat(length - 9)}"/>`,
  "a text": (length: number) => `<a>${"x".repeat(length - 3)}</a>`,
  "a comment": (length: number) => `<a><!--${"<".repeat(length - 7)}--></a>`,
  CDATA: (length: number) => `<a><![CDATA[${"<".repeat(length - 12)}]]></a>`,
  "a processing instruction": (length: number) => `<a><?p ${"<".repeat(length - 6)}?></a>`,
})) {
  test(`parseXml() accepts ${what} at maxTokenBytes, and fails with MANIFEST_TOO_LARGE one above`, async (t) => {
    for (const length of [39, 40]) t.notThrows(() => parse(make(length), { maxTokenBytes: 40 }));
    const error = await failure(() => parse(make(41), { maxTokenBytes: 40 }));
    t.is(error.code, "MANIFEST_TOO_LARGE");
  });
}

test("parseXml() gives the same for every length of text before, so at every place where it is cut", (t) => {
  const content = `<b c="é">&amp;é😀</b><!-- < --><d/>`;
  const expected = parse(`<a>${content}</a>`);
  for (let length = 65_536 - 60; length <= 65_536 + 4; length++) {
    t.deepEqual(
      parse(`<a><!--${"x".repeat(length - 10)}-->${content}</a>`, { maxTokenBytes: 99_999 }),
      expected,
    );
  }
});

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

function heapBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/**
 * What parseXml() comes to in a thread that dies when it needs more than `heapMib` at any moment: the code of its
 * error, or `read`.
 */
async function parsedWithin(heapMib: number, text: Uint8Array): Promise<string> {
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    import(workerData.module).then(({ parseXml }) => {
      try {
        parseXml(workerData.text);
        parentPort.postMessage("read");
      } catch (error) {
        parentPort.postMessage(String(error.code));
      }
    });`;
  const worker = new Worker(code, {
    eval: true,
    workerData: { module: new URL("../../manifest/xml.ts", import.meta.url).href, text },
    resourceLimits: { maxOldGenerationSizeMb: heapMib },
  });
  try {
    const [answer] = await once(worker, "message"); // rejects with the worker's error, such as ERR_WORKER_OUT_OF_MEMORY
    return String(answer);
  } finally {
    await worker.terminate();
  }
}

const part = (index: number): string =>
  `<part index="${index}"><filename>disk.img.part.${index}</filename><digest algorithm="SHA1">${"0a".repeat(20)}</digest></part>`;

function manifestOf(partCount: number): Buffer {
  const parts = Array.from({ length: partCount }, (_, index) => part(index)).join("");
  return Buffer.from(`<manifest><image><parts>${parts}</parts></image></manifest>`);
}

test.serial(
  "parseXml() leaves between one and six times the text behind for a manifest with 50,000 parts",
  (t) => {
    const text = manifestOf(50_000);
    const before = heapBytes();
    const root = parse(text);
    const factor = (heapBytes() - before) / text.byteLength;
    t.is(root.children[0]?.children[0]?.children.length, 50_000);
    t.true(factor > 1 && factor < 6, `${factor} times`);
  },
);

test.serial(
  "parseXml() never needs more than eight times the text of a manifest with 100,000 parts",
  async (t) => {
    const text = manifestOf(100_000);
    t.is(await parsedWithin(Math.ceil((8 * text.byteLength) / 1024 ** 2), text), "read");
  },
);

test.serial("parsedWithin() of this test can fail: a quarter of that memory does not do", async (t) => {
  const text = manifestOf(100_000);
  await t.throwsAsync(parsedWithin(Math.ceil((2 * text.byteLength) / 1024 ** 2), text), {
    code: "ERR_WORKER_OUT_OF_MEMORY",
  });
});

const hostile: Readonly<Record<string, () => string>> = {
  "a million parts": () =>
    `<manifest><image><parts>${Array.from({ length: 1_000_000 }, (_, index) => `<part index="${index}"/>`).join("")}</parts></image></manifest>`,
  "parts that hold parts": () => "<part>".repeat(5_000_000),
  "many small elements in many large ones": () => `<a>${`<b>${"<c/>".repeat(90_000)}</b>`.repeat(40)}</a>`,
  "an attribute of 30 MiB": () => `<a b="${"x".repeat(30 * 1024 ** 2)}"/>`,
  "a text of entities": () => `<a>${"&amp;".repeat(5_000_000)}</a>`,
  "a comment of dashes": () => `<a><!--${"-a".repeat(10_000_000)}--></a>`,
  "a text in pieces between comments": () => `<a>${"x<!---->".repeat(4_000_000)}</a>`,
  "a text in pieces between elements": () => `<a>${`<b>${"x<c/>".repeat(90_000)}</b>`.repeat(6)}</a>`,
  "a start without end": () => "<".repeat(30 * 1024 ** 2),
  "comments without end": () => "<a>" + "<!--".repeat(8_000_000),
  "many attributes in many elements": () =>
    `<a>${`<b ${Array.from({ length: 9000 }, (_, index) => `a${index}=""`).join(" ")}/>`.repeat(200)}</a>`,
};

/** Whatever the text, as DEFAULT_XML_LIMITS bounds the number of elements: see `many small elements`. */
const HOSTILE_HEAP_MIB = 128;

for (const [what, make] of Object.entries(hostile)) {
  test.serial(`parseXml() refuses ${what} within ${HOSTILE_HEAP_MIB} MiB and twenty seconds`, async (t) => {
    const text = Buffer.from(make());
    const startedAtMs = performance.now();
    t.regex(await parsedWithin(HOSTILE_HEAP_MIB, text), /^MANIFEST_(INVALID|TOO_LARGE)$/);
    t.true(performance.now() - startedAtMs < 20_000);
  });
}

const PIECES =
  `< > /> </ <a a b=' ' " = <!-- --> <![CDATA[ ]]> <?xml ?> & ; # x &amp; &# <!DOCTYPE version='1.1' \u{feff} \ud800`
    .split(" ")
    .concat("\r", "\n", " ", "\u{1F600}");

const onlyCoded = (text: Uint8Array): boolean => {
  try {
    parseXml(text);
    return true;
  } catch (error) {
    return error instanceof ImportError && error.code.startsWith("MANIFEST_");
  }
};

test("parseXml() throws nothing but MANIFEST_… for arbitrary bytes", (t) => {
  t.notThrows(() =>
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), onlyCoded), { numRuns: propertyRuns(300) }),
  );
});

test("parseXml() throws nothing but MANIFEST_… for pieces of XML in any order", (t) => {
  const pieces = fc.constantFrom(...PIECES);
  const texts = fc.array(pieces, { maxLength: 40 }).map((parts) => Buffer.from(parts.join("")));
  t.notThrows(() => fc.assert(fc.property(texts, onlyCoded), { numRuns: propertyRuns(1000) }));
});

test("parseXml() reads back or refuses every mutation of a manifest", (t) => {
  const original = Buffer.from(manifestSample("bundle-euca2ools-3"));
  const mutation = fc.record({
    at: fc.nat({ max: original.byteLength - 1 }),
    cut: fc.nat({ max: 60 }),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 8 }),
      fc.constantFrom("<!", "<image>", "&x;").map((s) => Buffer.from(s)),
    ),
  });
  const property = fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
    let text = original;
    for (const { at, cut, insert } of mutations) {
      text = Buffer.concat([text.subarray(0, at), insert, text.subarray(at + cut)]);
    }
    return onlyCoded(text);
  });
  t.notThrows(() => fc.assert(property, { numRuns: propertyRuns(500) }));
});

test("parseXml() hands elements at a path to a visitor and leaves them out of the tree, but counts them", async (t) => {
  const visited: string[] = [];
  const visitor = {
    path: ["a", "b"],
    visit: ({ attributes }: { readonly attributes: readonly { readonly value: string }[] }) =>
      void visited.push(attributes[0]?.value ?? ""),
  };
  const text = `<a><b n="1"><b n="2"/></b><c><b n="3"/></c><b n="4"/></a>`;
  const root = parseXml(Buffer.from(text), {}, visitor);
  t.deepEqual(visited, ["1", "4"]);
  t.deepEqual(
    root.children.map(({ name }) => name),
    ["c"],
  );
  const error = await failure(() => parseXml(Buffer.from(text), { maxChildren: 2 }, visitor));
  t.is(error.code, "MANIFEST_TOO_LARGE");
});
