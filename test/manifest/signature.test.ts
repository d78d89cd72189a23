import { constants, createHash, createSign, privateEncrypt, sign } from "node:crypto";
import test from "ava";
import { testIdentity } from "../../fixtures/keys.ts";
import {
  bundleSignedRegion,
  downloadSignedRegion,
  verifyBundleSignature,
  verifyDownloadSignature,
} from "../../manifest/signature.ts";
import { failure } from "../support/errors.ts";
import { edited, manifestSample } from "../support/manifests.ts";
import { requires } from "../support/requires.ts";

const signed = requires("openssl");

const EUCA3 = manifestSample("bundle-euca2ools-3");

function digestOf(algorithm: string, content: Uint8Array): string {
  return createHash(algorithm).update(content).digest("hex");
}

test("bundleSignedRegion() gives the golden vector of 921 bytes", (t) => {
  const region = bundleSignedRegion(Buffer.from(EUCA3));
  t.is(region.byteLength, 921);
  t.is(digestOf("sha1", region), "0401b50eaab2051b7ce5e21db5ebf316966e08fc");
});

test("bundleSignedRegion() leaves single quotes and UTF-8 as they stand", (t) => {
  const region = bundleSignedRegion(Buffer.from(manifestSample("bundle-ec2-ami-tools")));
  t.regex(Buffer.from(region).toString(), /^<machine_configuration>.*<image>.*dïsk.*count='3'.*<\/image>$/);
  // Computed when the sample was written, from the text it was written with.
  t.is(digestOf("sha1", region), "797758859d941f2ca603513845475faf0578f1a3");
});

test("bundleSignedRegion() keeps bytes that are not UTF-8", (t) => {
  const text = Buffer.from(`<manifest><image><name>d\u00efsk</name></image></manifest>`, "latin1");
  t.deepEqual(
    Buffer.from(bundleSignedRegion(text)),
    Buffer.from("<image><name>d\u00efsk</name></image>", "latin1"),
  );
});

test("downloadSignedRegion() gives the golden vectors of 486 and 410 bytes", (t) => {
  const raw = downloadSignedRegion(Buffer.from(manifestSample("download-raw")));
  t.is(raw.byteLength, 486);
  t.is(digestOf("sha256", raw), "a618bd4cd8101656f139c05add94e2acf54cf1d54a4415047f537c507c3eb24e");
  const bundle = downloadSignedRegion(Buffer.from(manifestSample("download-bundle")));
  t.is(bundle.byteLength, 410);
  t.is(digestOf("sha256", bundle), "8e93cae653d2eb8cf55c490e24022d8ed25667aa733191676215c259363139ac");
});

async function signedSample(
  name: Parameters<typeof manifestSample>[0],
  digest: string,
): Promise<{ readonly text: string; readonly user: Awaited<ReturnType<typeof testIdentity>> }> {
  const user = await testIdentity("user");
  const sample = manifestSample(name);
  const region = (name.startsWith("bundle") ? bundleSignedRegion : downloadSignedRegion)(Buffer.from(sample));
  const signature = createSign(digest).update(region).sign(user.privateKey, "hex");
  const text = edited(sample, [/(?<=<signature[^>]*>)[^<]*/, signature]).toString();
  return { text, user };
}

for (const name of ["bundle-euca2ools-2", "bundle-euca2ools-3", "bundle-ec2-ami-tools"] as const) {
  signed(`verifyBundleSignature() accepts ${name} signed with SHA-1, and no other certificate`, async (t) => {
    const { text, user } = await signedSample(name, "RSA-SHA1");
    t.notThrows(() => verifyBundleSignature(Buffer.from(text), user.certificate));
    const stranger = await testIdentity("stranger");
    const error = await failure(() => verifyBundleSignature(Buffer.from(text), stranger.certificate));
    t.is(error.code, "SIGNATURE_INVALID");
  });
}

for (const name of ["download-raw", "download-bundle"] as const) {
  signed(`verifyDownloadSignature() accepts ${name} signed with SHA-256, and no other digest`, async (t) => {
    const { text, user } = await signedSample(name, "RSA-SHA256");
    t.notThrows(() => verifyDownloadSignature(Buffer.from(text), user.certificate));
    for (const weak of ["RSA-MD5", "RSA-SHA1"]) {
      const other = await signedSample(name, weak);
      const renamed = edited(other.text, ["RSA-SHA256", weak]);
      const error = await failure(() => verifyDownloadSignature(renamed, user.certificate));
      t.is(error.code, "SIGNATURE_INVALID");
    }
  });
}

const tampered: Readonly<Record<string, readonly (readonly [string | RegExp, string])[]>> = {
  "one digit of a digest": [["560ee2", "560ee3"]],
  "white space": [["</name><user>", "</name> <user>"]],
  "other quotes": [['count="1"', "count='1'"]],
  "a machine configuration taken away": [[/<machine_configuration>.*<\/machine_configuration>/, ""]],
  "an end tag with a space": [["</image>", "</image >"]],
  "a start tag with a space": [["<image>", "<image >"]],
  "the signed image in a comment and another for the reader": [
    [
      /<image>.*<\/image>/,
      `<!--${/<image>.*<\/image>/.exec(EUCA3)![0]}--><image ><name>evil</name></image >`,
    ],
  ],
  "the signed image inside another element": [
    [
      /<image>.*<\/image>/,
      `<x>${/<image>.*<\/image>/.exec(EUCA3)![0]}</x><image\n><name>evil</name></image>`,
    ],
  ],
  "a second image after the signed one": [["</image>", "</image><image><name>evil</name></image>"]],
  "an empty image before the signed one": [["<image>", "<image/><image>"]],
  "an end of the image inside a comment": [["</image>", "<!--</image>--></image>"]],
  "no signature": [[/<signature>.*<\/signature>/, ""]],
  "an empty signature": [[/<signature>.*<\/signature>/, "<signature></signature>"]],
  "a signature element that closes itself": [[/<signature>.*<\/signature>/, "<signature/>"]],
  UNSIGNED: [[/(?<=<signature>)[^<]*/, "UNSIGNED"]],
  "a signature in base64": [[/(?<=<signature>)[^<]*/, "zz=="]],
  "half the signature": [[/(?<=<signature>)[^<]{256}/, ""]],
  "two signatures": [["<signature>", "<signature>00</signature><signature>"]],
};

for (const [what, edits] of Object.entries(tampered)) {
  signed(`verifyBundleSignature() fails with SIGNATURE_INVALID for ${what}`, async (t) => {
    const { text, user } = await signedSample("bundle-euca2ools-3", "RSA-SHA1");
    const error = await failure(() => verifyBundleSignature(edited(text, ...edits), user.certificate));
    t.is(error.code, "SIGNATURE_INVALID");
    t.truthy(error.remedy);
  });
}

signed("verifyBundleSignature() says of an unsigned manifest that it is not signed", async (t) => {
  const { certificate } = await testIdentity("user");
  const error = await failure(() => verifyBundleSignature(Buffer.from(EUCA3), certificate));
  t.regex(error.message, /is not signed/);
});

signed("verifyBundleSignature() fails for the right digest behind a forged PKCS#1 block", async (t) => {
  // What the old toolkit accepted: it compared only the trailing digest of the recovered block. An RSA operation
  // without padding stands for the forger, who for small exponents needs no key.
  const user = await testIdentity("user");
  const digest = createHash("sha1")
    .update(bundleSignedRegion(Buffer.from(EUCA3)))
    .digest();
  const block = Buffer.alloc(256, 0xff);
  block[0] = 0;
  digest.copy(block, 256 - digest.byteLength);
  const forged = privateEncrypt({ key: user.privateKey, padding: constants.RSA_NO_PADDING }, block);
  const text = edited(EUCA3, ["UNSIGNED", forged.toString("hex")]);
  t.is((await failure(() => verifyBundleSignature(text, user.certificate))).code, "SIGNATURE_INVALID");
});

signed(
  "verifyBundleSignature() fails with SIGNATURE_INVALID for a certificate without an RSA key",
  async (t) => {
    const { certificate, privateKey } = await testIdentity("user", "ed25519");
    const signature = sign(null, bundleSignedRegion(Buffer.from(EUCA3)), privateKey).toString("hex");
    const error = await failure(() =>
      verifyBundleSignature(edited(EUCA3, ["UNSIGNED", signature]), certificate),
    );
    t.is(error.code, "SIGNATURE_INVALID");
    t.regex(error.message, /ed25519/);
  },
);

for (const [count, code] of [
  [1000, undefined],
  [1001, "SIGNATURE_INVALID"],
] as const) {
  signed(
    `verifyBundleSignature() gives ${code ?? "no error"} with ${count} tags that only start alike`,
    async (t) => {
      const { text, user } = await signedSample("bundle-euca2ools-3", "RSA-SHA1");
      const crowded = edited(text, ["<manifest>", `<manifest>${"<images/>".repeat(count)}`]);
      const verified = (): void => verifyBundleSignature(crowded, user.certificate);
      if (code === undefined) t.notThrows(verified);
      else t.is((await failure(verified)).code, code);
    },
  );
}
