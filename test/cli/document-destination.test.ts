import { readFile, writeFile } from "node:fs/promises";
import test from "ava";
import { documentDestination } from "../../cli/document-destination.ts";
import { s3Access } from "../../stages/s3-access.ts";
import { parseLocation } from "../../worker/location.ts";
import { chunked } from "../support/bytes.ts";
import { testContext } from "../support/context.ts";
import { failure } from "../support/errors.ts";
import { temporaryFolder } from "../support/folder.ts";

const access = { s3: s3Access() };

test("documentDestination() appends its suffix to a path and replaces only when told to", async (t) => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("a.json.sig"), "old");
  const at = parseLocation(folder.file("a.json"));
  const refused = documentDestination(at, access, { suffix: ".sig" });
  t.is((await failure(() => refused.open(testContext(), {}))).code, "DESTINATION_EXISTS");
  const draft = await documentDestination(at, access, { suffix: ".sig", overwrite: true }).open(
    testContext(),
    {},
  );
  await draft.write(chunked(Buffer.from("new")));
  await draft.commit();
  t.is(await readFile(folder.file("a.json.sig"), "utf8"), "new");
});

test("documentDestination() appends its suffix to the key of an object", (t) => {
  t.is(
    documentDestination(parseLocation("s3://b/c/d.json"), access, { suffix: ".sig" }).name,
    "s3://b/c/d.json.sig",
  );
});

for (const text of ["-", "https://user:secret@host/a.json?token=secret"]) {
  test(`documentDestination() refuses ${text.slice(0, 5)} with ARGUMENT_INVALID and tells no secret`, async (t) => {
    const error = await failure(() => documentDestination(parseLocation(text), access));
    t.is(error.code, "ARGUMENT_INVALID");
    t.notRegex(error.message, /secret/);
  });
}
