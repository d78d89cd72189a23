import test from "ava";
import {
  describe,
  hexAt,
  instantAt,
  integerAt,
  jsonObject,
  listAt,
  objectAt,
  optionalAt,
  stringAt,
  stringsAt,
  wordAt,
} from "../../manifest/json-fields.ts";
import { failure } from "../support/errors.ts";

const object = jsonObject(
  {
    text: "t",
    count: 3,
    hex: "0aff",
    at: "2026-01-31T12:00:00.000Z",
    list: [{ text: "u" }],
    words: ["a"],
    inner: { text: "v" },
  },
  "root",
);

test("The readers give what is there", (t) => {
  t.is(stringAt(object, "text"), "t");
  t.is(integerAt(object, "count"), 3);
  t.is(hexAt(object, "hex", 4), "0aff");
  t.is(instantAt(object, "at"), "2026-01-31T12:00:00.000Z");
  t.is(wordAt(object, "text", ["s", "t"]), "t");
  t.deepEqual(
    listAt(object, "list", (entry) => stringAt(entry, "text")),
    ["u"],
  );
  t.deepEqual(stringsAt(object, "words"), ["a"]);
  t.is(stringAt(objectAt(object, "inner"), "text"), "v");
  t.is(optionalAt(object, "text", stringAt), "t");
  t.is(optionalAt(object, "absent", stringAt), undefined);
});

for (const [what, call, path] of [
  ["stringAt() of a number", () => stringAt(object, "count"), "root.count"],
  ["stringAt() of nothing", () => stringAt(object, "absent"), "root.absent"],
  ["stringAt() of an inherited name", () => stringAt(object, "constructor"), "root.constructor"],
  ["integerAt() of a text", () => integerAt(object, "text"), "root.text"],
  ["integerAt() of a fraction", () => integerAt(jsonObject({ a: 1.5 }, ""), "a"), "a"],
  ["integerAt() below zero", () => integerAt(jsonObject({ a: -1 }, ""), "a"), "a"],
  ["integerAt() past safe integers", () => integerAt(jsonObject({ a: 2 ** 53 }, ""), "a"), "a"],
  ["hexAt() of another length", () => hexAt(object, "hex", 3), "root.hex"],
  ["hexAt() of upper case", () => hexAt(jsonObject({ a: "AB" }, ""), "a", 2), "a"],
  ["instantAt() of a local time", () => instantAt(jsonObject({ a: "2026-01-31T12:00:00" }, ""), "a"), "a"],
  ["instantAt() of words", () => instantAt(object, "text"), "root.text"],
  ["wordAt() of another word", () => wordAt(object, "text", ["a", "b"]), "root.text"],
  ["listAt() of an object", () => listAt(object, "inner", () => 0), "root.inner"],
  ["listAt() of texts", () => listAt(object, "words", () => 0), "root.words[0]"],
  ["stringsAt() of objects", () => stringsAt(object, "list"), "root.list[0]"],
  ["objectAt() of an array", () => objectAt(object, "list"), "root.list"],
  ["objectAt() of null", () => objectAt(jsonObject({ a: null }, ""), "a"), "a"],
  ["optionalAt() of null", () => optionalAt(jsonObject({ a: null }, ""), "a", stringAt), "a"],
] as const) {
  test(`${what} fails with MANIFEST_INVALID, naming the path`, async (t) => {
    const error = await failure(call);
    t.is(error.code, "MANIFEST_INVALID");
    t.true(error.message.includes(`"${path}" must be`), error.message);
  });
}

test("describe() never writes out what an array or object holds", (t) => {
  let deep: unknown = [];
  for (let depth = 0; depth < 100_000; depth++) deep = [deep];
  t.is(describe(deep), "an array");
  t.is(describe({ secret: 1 }), "an object");
  t.is(describe(undefined), "missing");
  t.is(describe(null), "null");
  t.is(describe("a\n"), String.raw`"a\n"`);
});
