import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { type TestKeyType, testIdentity } from "../../fixtures/keys.ts";
import { signResultManifest, verifyResultManifest } from "../../manifest/result-signature.ts";
import { failure } from "../support/errors.ts";
import { temporaryFolder } from "../support/folder.ts";
import { requires } from "../support/requires.ts";

const signed = requires("openssl");

const TEXT = Buffer.from('{\n  "schemaVersion": 1\n}\n');

for (const type of ["rsa:2048", "ed25519"] satisfies readonly TestKeyType[]) {
  signed(`verifyResultManifest() accepts what signResultManifest() signs with ${type}`, async (t) => {
    const { privateKey, certificate } = await testIdentity("user", type);
    const signature = signResultManifest(TEXT, privateKey);
    t.notThrows(() => verifyResultManifest(TEXT, signature, certificate));
    t.notThrows(() => verifyResultManifest(TEXT, Buffer.from(signature).toString(), certificate.publicKey));
    t.notThrows(() => verifyResultManifest(TEXT, signature, privateKey));
    const crlf = Buffer.from(signature).toString().replaceAll("\n", "\r\n");
    t.notThrows(() => verifyResultManifest(TEXT, crlf, certificate));
  });

  signed(
    `verifyResultManifest() fails with SIGNATURE_INVALID for any changed byte under ${type}`,
    async (t) => {
      const { privateKey, certificate } = await testIdentity("user", type);
      const signature = signResultManifest(TEXT, privateKey);
      for (let at = 0; at < TEXT.byteLength; at++) {
        const changed = Buffer.from(TEXT);
        changed[at] = changed[at]! ^ 1;
        const error = await failure(() => verifyResultManifest(changed, signature, certificate));
        t.is(error.code, "SIGNATURE_INVALID");
        t.regex(error.message, /changed after it was signed/);
      }
    },
  );

  signed(`verifyResultManifest() says that a signature is of another key of ${type}`, async (t) => {
    const { privateKey } = await testIdentity("stranger", type);
    const { certificate } = await testIdentity("user", type);
    const error = await failure(() =>
      verifyResultManifest(TEXT, signResultManifest(TEXT, privateKey), certificate),
    );
    t.is(error.code, "SIGNATURE_INVALID");
    t.regex(error.message, /another key/);
  });
}

signed("verifyResultManifest() lets the signer's key decide the algorithm", async (t) => {
  const [rsa, edwards] = [await testIdentity("user"), await testIdentity("user", "ed25519")];
  const signature = signResultManifest(TEXT, rsa.privateKey);
  const error = await failure(() => verifyResultManifest(TEXT, signature, edwards.certificate));
  t.is(error.code, "SIGNATURE_INVALID");
  t.regex(error.message, /ed25519.*rsa-sha256/);
});

signed("verifyResultManifest() fails with SIGNATURE_INVALID for files that are no signatures", async (t) => {
  const { privateKey, certificate } = await testIdentity("user");
  const text = Buffer.from(signResultManifest(TEXT, privateKey)).toString();
  for (const broken of [
    "",
    "\0",
    text.slice(0, 100),
    text.replace("signature 1", "signature 2"),
    `x${text}`,
    `${text}x`,
  ]) {
    t.is((await failure(() => verifyResultManifest(TEXT, broken, certificate))).code, "SIGNATURE_INVALID");
  }
});

signed("signResultManifest() fails with KEY_INVALID for an elliptic curve of another kind", async (t) => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  t.is((await failure(() => signResultManifest(TEXT, privateKey))).code, "KEY_INVALID");
});

signed("signResultManifest() with RSA is verified by openssl dgst", async (t) => {
  const { privateKey, certificate } = await testIdentity("user");
  await using folder = await temporaryFolder();
  const line = /signature: (.*)\n/.exec(Buffer.from(signResultManifest(TEXT, privateKey)).toString());
  await writeFile(folder.file("text"), TEXT);
  await writeFile(folder.file("signature"), Buffer.from(line![1]!, "base64"));
  await writeFile(folder.file("key"), certificate.publicKey.export({ type: "spki", format: "pem" }));
  const { stdout } = await promisify(execFile)(
    "openssl",
    ["dgst", "-sha256", "-verify", "key", "-signature", "signature", "text"],
    { cwd: folder.path },
  );
  t.regex(stdout, /Verified OK/);
});
