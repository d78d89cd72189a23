import { writeFile } from "node:fs/promises";
import test from "ava";
import { InvalidArgumentError } from "commander";
import {
  formatValue,
  listValue,
  locationValue,
  parseLocationArgument,
  readCertificate,
  readKey,
  sizeValue,
} from "../../../cli/options/values.ts";
import { testIdentity } from "../../../fixtures/keys.ts";
import { failure } from "../../support/errors.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { requires } from "../../support/requires.ts";

test("the values of flags are read as people write them", (t) => {
  t.is(sizeValue("1.5g"), 1.5 * 1024 ** 3);
  t.is(formatValue("VPC"), "vhd");
  t.deepEqual(listValue("a,,b,"), ["a", "b"]);
  t.deepEqual(locationValue("s3://b/k"), { kind: "s3", bucket: "b", key: "k" });
});

for (const [name, call] of [
  ["sizeValue(lots)", () => sizeValue("lots")],
  ["sizeValue(-1)", () => sizeValue("-1")],
  ["formatValue(iso)", () => formatValue("iso")],
  ["locationValue(gs://b/k)", () => locationValue("gs://b/k")],
] as const) {
  test(`${name} is a usage error that says what is wanted`, (t) => {
    const error = t.throws(call, { instanceOf: InvalidArgumentError });
    t.regex(error.message, /wanted|[Uu]se/);
  });
}

test("parseLocationArgument() throws ARGUMENT_INVALID for an argument that is empty or missing", async (t) => {
  t.is((await failure(() => parseLocationArgument([""], 0))).code, "ARGUMENT_INVALID");
  t.is((await failure(() => parseLocationArgument([], 0))).code, "ARGUMENT_INVALID");
});

requires("openssl")(
  "readKey() and readCertificate() read PEM files, and tell one from the other",
  async (t) => {
    const { keyPath, certificatePath, privateKey, certificate } = await testIdentity("user");
    const { key, name } = await readKey(keyPath);
    t.true(key.equals(privateKey));
    t.is(name, keyPath);
    t.is((await readCertificate(certificatePath)).fingerprint256, certificate.fingerprint256);
    t.is((await failure(() => readKey(certificatePath))).code, "KEY_INVALID");
    t.is((await failure(() => readCertificate(keyPath))).code, "KEY_INVALID");
  },
);

test("readKey() throws KEY_INVALID for what is missing, a folder or no PEM, and never shows the content", async (t) => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("text"), "secret words");
  for (const name of ["none", ".", "text"]) {
    const error = await failure(() => readKey(folder.file(name)));
    t.is(error.code, "KEY_INVALID", name);
    t.notRegex(error.message, /secret/);
  }
});
