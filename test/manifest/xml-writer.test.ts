import test from "ava";
import * as fc from "fast-check";
import { xmlWriter } from "../../manifest/xml-writer.ts";
import { parseXml } from "../../manifest/xml.ts";
import { propertyRuns } from "../support/manifests.ts";

test("xmlWriter() writes compact elements, and closes empty ones at once", (t) => {
  const xml = xmlWriter("ascii");
  t.is(xml.element("a", [xml.text("b", 1), xml.text("c", "")], { d: 2 }), `<a d="2"><b>1</b><c/></a>`);
  t.is(xml.element("a", []), "<a/>");
});

test("xmlWriter() escapes text and attributes as libxml2 does", (t) => {
  const xml = xmlWriter("ascii");
  t.is(xml.text("a", `<&>"'\r\n\té😀`), `<a>&lt;&amp;&gt;"'&#13;\n\t&#233;&#128512;</a>`);
  t.is(xml.text("a", "", { b: `<&>"'\r\n\té` }), `<a b="&lt;&amp;&gt;&quot;'&#13;&#10;&#9;&#233;"/>`);
});

test("xmlWriter() leaves characters outside ASCII alone in UTF-8", (t) => {
  t.is(xmlWriter("utf-8").text("a", "é😀&"), "<a>é😀&amp;</a>");
});

for (const text of ["\0", "\u001b", "\uffff", "\ud800"]) {
  test(`xmlWriter() throws a RangeError for ${JSON.stringify(text)}`, (t) => {
    t.throws(() => xmlWriter("utf-8").text("a", text), { instanceOf: RangeError });
  });
}

for (const charset of ["ascii", "utf-8"] as const) {
  test(`xmlWriter() in ${charset} writes what parseXml() reads back, whatever the text`, (t) => {
    const texts = fc
      .string({ unit: "binary" })
      // oxlint-disable-next-line no-control-regex -- XML has no place for them
      .map((text) => text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "").trim());
    fc.assert(
      fc.property(texts, texts, (text, value) => {
        const xml = xmlWriter(charset);
        const root = parseXml(Buffer.from(xml.text("a", text, { b: value })));
        t.is(root.text, text);
        t.deepEqual(root.attributes, [{ name: "b", value }]);
      }),
      { numRuns: propertyRuns(200) },
    );
  });
}
