import { execFile } from "node:child_process";
import { promisify } from "node:util";
import test from "ava";
import { testIdentity } from "../../fixtures/keys.ts";
import { parseCertificate, parsePrivateKey } from "../../manifest/pem.ts";
import { failure } from "../support/errors.ts";
import { requires } from "../support/requires.ts";

const pemTest = requires("openssl");

async function openssl(...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)("openssl", args)).stdout;
}

pemTest(
  "parsePrivateKey() reads PKCS#8 and PKCS#1, as bytes and as text, with words before the block",
  async (t) => {
    const { keyPem, keyPath, privateKey } = await testIdentity("user");
    const traditional = await openssl("rsa", "-traditional", "-in", keyPath);
    t.regex(traditional, /BEGIN RSA PRIVATE KEY/);
    for (const pem of [keyPem, keyPem.toString(), traditional, `Bag Attributes\n${traditional}`]) {
      t.true(parsePrivateKey(pem, "user.pem").equals(privateKey));
    }
  },
);

pemTest("parsePrivateKey() reads the key of a file that also holds its certificate", async (t) => {
  const { keyPem, certificatePem, privateKey } = await testIdentity("user");
  t.true(parsePrivateKey(Buffer.concat([certificatePem, keyPem]), "both.pem").equals(privateKey));
});

pemTest(
  "parsePrivateKey() fails with KEY_INVALID for a passphrase, in both forms, saying how to remove it",
  async (t) => {
    const { keyPath } = await testIdentity("user");
    for (const args of [
      ["pkcs8", "-topk8"],
      ["rsa", "-traditional", "-aes128"],
    ]) {
      const pem = await openssl(...args, "-in", keyPath, "-passout", "pass:secret");
      const error = await failure(() => parsePrivateKey(pem, "user.pem"));
      t.is(error.code, "KEY_INVALID");
      t.regex(error.message, /"user.pem".*passphrase/);
      t.regex(error.remedy!, /openssl pkey/);
    }
  },
);

pemTest("parsePrivateKey() fails with KEY_INVALID for a damaged block, without a word of it", async (t) => {
  const { keyPem } = await testIdentity("user");
  const lines = keyPem.toString().split("\n");
  lines.splice(3, 4);
  const error = await failure(() => parsePrivateKey(lines.join("\n"), "user.pem"));
  t.is(error.code, "KEY_INVALID");
  t.regex(error.message, /"user.pem".*damaged/);
  t.false(error.message.includes(lines[4]!));
});

pemTest("parsePrivateKey() says what it found instead", async (t) => {
  const { certificatePem } = await testIdentity("user");
  const certificate = await failure(() => parsePrivateKey(certificatePem, "user.pem"));
  t.regex(certificate.message, /"CERTIFICATE"/);
  const nothing = await failure(() => parsePrivateKey("", "user.pem"));
  t.regex(nothing.message, /no PEM block/);
  t.is(nothing.code, "KEY_INVALID");
});

pemTest("parseCertificate() reads a certificate, also behind a private key", async (t) => {
  const { keyPem, certificatePem, certificate } = await testIdentity("user");
  for (const pem of [certificatePem, certificatePem.toString()]) {
    t.is(parseCertificate(pem, "cert.pem").fingerprint256, certificate.fingerprint256);
  }
  t.is(
    parseCertificate(Buffer.concat([keyPem, certificatePem]), "both.pem").fingerprint256,
    certificate.fingerprint256,
  );
});

pemTest("parseCertificate() fails with KEY_INVALID for a key, for damage and for nothing", async (t) => {
  const { keyPem, certificatePem } = await testIdentity("user");
  const damaged = certificatePem.toString().replace(/\n.*\n/, "\n");
  for (const pem of [keyPem, damaged, "", "\u0000"]) {
    const error = await failure(() => parseCertificate(pem, "cert.pem"));
    t.is(error.code, "KEY_INVALID");
    t.regex(error.message, /"cert.pem"/);
  }
});

test("parsePrivateKey() fails with KEY_INVALID for a file of 10 MiB that starts like a key", async (t) => {
  const pem = Buffer.alloc(10 * 1024 ** 2, "-----BEGIN PRIVATE KEY-----\n");
  t.is((await failure(() => parsePrivateKey(pem, "huge.pem"))).code, "KEY_INVALID");
});
