import { parseSourceFlags, privateKeyVariable } from "../../../cli/options/source-flags.ts";
import { testIdentity } from "../../../fixtures/keys.ts";
import { parseLocation } from "../../../worker/location.ts";
import { failure } from "../../support/errors.ts";
import { requires } from "../../support/requires.ts";

const test = requires("openssl");

test("parseSourceFlags() reads key and certificate, and hands the rest on", async (t) => {
  const { keyPath, certificatePath, certificate } = await testIdentity("user");
  const flags = { from: "vhd", member: "a/b", key: keyPath, verifySignature: certificatePath } as const;
  const options = await parseSourceFlags(flags, parseLocation("x.manifest.xml"), { variables: {} });
  t.like(options, { from: "vhd", member: "a/b" });
  t.is(options.privateKey?.name, keyPath);
  t.is(options.signer?.fingerprint256, certificate.fingerprint256);
});

test("parseSourceFlags() gives nothing where nothing was said", async (t) => {
  t.deepEqual(await parseSourceFlags({}, parseLocation("x.raw"), { variables: {} }), {});
});

test("parseSourceFlags() throws KEY_INVALID for a key that cannot be read", async (t) => {
  const call = () => parseSourceFlags({ key: "/nowhere" }, parseLocation("x.raw"), { variables: {} });
  t.is((await failure(call)).code, "KEY_INVALID");
});

test("privateKeyVariable() asks for Eucalyptus' name before EC2's", (t) => {
  t.is(privateKeyVariable({ EC2_PRIVATE_KEY: "a", EUCA_PRIVATE_KEY: "b" }), "b");
  t.is(privateKeyVariable({ EC2_PRIVATE_KEY: "a" }), "a");
  t.is(privateKeyVariable({}), undefined);
});
