import test from "ava";
import * as fc from "fast-check";
import { type XmlElement, parseXml } from "../../manifest/xml.ts";
import {
  attributeOf,
  childOf,
  childrenOf,
  hexOf,
  manifestInvalid,
  parseInteger,
  present,
  quoted,
  requiredInteger,
  requiredIntegerAttribute,
  requiredText,
  requiredUrl,
  sha1Of,
  textOf,
} from "../../manifest/xml-fields.ts";
import { failure } from "../support/errors.ts";
import { propertyRuns } from "../support/manifests.ts";

const xml = (text: string): XmlElement => parseXml(Buffer.from(text));

test("quoted() gives one line of bounded length without control or direction characters", (t) => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
      const shown = quoted(text);
      // oxlint-disable-next-line no-control-regex -- none may reach a terminal
      t.notRegex(shown, /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/);
      t.true(shown.length <= 6 * 81 + 2);
    }),
    { numRuns: propertyRuns(300) },
  );
  t.is(quoted("a\u009b\u202e"), String.raw`"a\u009b\u202e"`);
});

test("childOf(), childrenOf(), attributeOf() and textOf() find by name", (t) => {
  const root = xml(`<a n="1"><b>x</b><c/><d/><d/></a>`);
  t.is(childOf(root, "b")?.text, "x");
  t.is(childOf(root, "z"), undefined);
  t.is(childrenOf(root, "d").length, 2);
  t.is(attributeOf(root, "n"), "1");
  t.is(attributeOf(root, "constructor"), undefined);
  t.is(textOf(root, "b"), "x");
  t.is(textOf(root, "c"), undefined);
  t.is(textOf(root, "z"), undefined);
});

for (const [what, call] of Object.entries({
  "childOf() of two": () => childOf(xml("<a><b/><b/></a>"), "b"),
  "requiredText() of none": () => requiredText(xml("<a/>"), "b"),
  "requiredText() of an empty one": () => requiredText(xml("<a><b> </b></a>"), "b"),
  "requiredInteger() of words": () => requiredInteger(xml("<a><b>one</b></a>"), "b"),
  "requiredIntegerAttribute() of none": () => requiredIntegerAttribute(xml("<b/>"), "b"),
  "hexOf() of other letters": () => hexOf(xml("<a><b>0g</b></a>"), "b"),
  "hexOf() of half a byte": () => hexOf(xml("<a><b>0</b></a>"), "b"),
  "sha1Of() of another algorithm": () =>
    sha1Of(xml(`<a><digest algorithm="SHA256">${"0".repeat(64)}</digest></a>`)),
  "sha1Of() of 39 digits": () => sha1Of(xml(`<a><digest>${"0".repeat(39)}</digest></a>`)),
  "requiredUrl() of a script": () => requiredUrl(xml("<a><b>javascript:1</b></a>"), "b"),
})) {
  test(`${what} fails with MANIFEST_INVALID, naming the element`, async (t) => {
    const error = await failure(call);
    t.is(error.code, "MANIFEST_INVALID");
    t.regex(error.message, /"(a|b)"/);
  });
}

test("parseInteger() reads digits up to 2^53 - 1 and nothing else", async (t) => {
  for (const text of ["0", "007", "9007199254740991"]) t.is(parseInteger(text, "it"), Number(text));
  for (const text of ["", "-1", "+1", "1.0", "1e3", "0x1", " 1", "１", "9007199254740992", "9".repeat(400)]) {
    t.is((await failure(() => parseInteger(text, "it"))).code, "MANIFEST_INVALID");
  }
});

test("hexOf() reads both cases and gives bytes of their own", (t) => {
  const bytes = hexOf(xml("<a><b>00fFAb</b></a>"), "b");
  t.deepEqual(bytes, Uint8Array.of(0, 255, 171));
  t.is(bytes?.buffer.byteLength, 3);
  t.is(hexOf(xml("<a/>"), "b"), undefined);
});

test("sha1Of() gives lower case, and nothing where there is no digest", (t) => {
  t.is(sha1Of(xml(`<a><digest algorithm="SHA-1">${"0A".repeat(20)}</digest></a>`)), "0a".repeat(20));
  t.is(sha1Of(xml("<a><digest/></a>")), undefined);
  t.is(sha1Of(xml("<a/>")), undefined);
});

test("present() gives the property, and none for undefined", (t) => {
  t.deepEqual(present("a", 0), { a: 0 });
  t.deepEqual(Object.keys(present("a", undefined)), []);
});

test("manifestInvalid() says what to do", (t) => {
  t.truthy(manifestInvalid("x").remedy);
});
