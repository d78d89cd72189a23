import test from "ava";
import { testIdentity } from "../../fixtures/keys.ts";
import {
  type DownloadManifest,
  formatDownloadManifest,
  parseDownloadManifest,
} from "../../manifest/download.ts";
import { verifyDownloadSignature } from "../../manifest/signature.ts";
import { failure } from "../support/errors.ts";
import { edited, manifestSample } from "../support/manifests.ts";
import { requires } from "../support/requires.ts";

const RAW = manifestSample("download-raw");
const BUNDLE = manifestSample("download-bundle");
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

test("parseDownloadManifest() reads the manifest of an import", (t) => {
  const url = "http://s3.cloud.example:8773/services/objectstorage/imports/u1/disk.img.part.";
  const query = "?AWSAccessKeyId=AKIEXAMPLE&Expires=1700000000&Signature=";
  t.deepEqual(parseDownloadManifest(Buffer.from(RAW)), {
    content: { fileFormat: "RAW" },
    sizeBytes: 20_971_520,
    parts: [
      { index: 0, getUrl: `${url}0${query}c2ln` },
      { index: 1, getUrl: `${url}1${query}c2lo` },
    ],
    signature: hex("00ff"),
  });
});

test("parseDownloadManifest() reads the manifest of a bundle", (t) => {
  t.deepEqual(parseDownloadManifest(Buffer.from(BUNDLE)), {
    content: {
      fileFormat: "BUNDLE",
      encryptedKey: hex("4a4b4c4d"),
      encryptedIv: hex("5a5b5c5d"),
      unbundledSizeBytes: 1000,
    },
    sizeBytes: 128,
    parts: [
      {
        index: 0,
        getUrl: "http://s3.cloud.example:8773/images/disk.img.part.00?X=1",
        sha1: "00112233445566778899aabbccddeeff00112233",
      },
    ],
    signature: hex("00ff"),
  });
});

test("parseDownloadManifest() tolerates a count and the marker imaging@, and reads an unsigned manifest", (t) => {
  const text = edited(
    RAW,
    ["<parts>", '<parts count="2">'],
    ["<get-url>http://", "<get-url>http://imaging@"],
    [/<signature.*<\/signature>/, ""],
  );
  const { parts, signature } = parseDownloadManifest(text);
  t.true(parts[0]?.getUrl.startsWith("http://s3.cloud.example:8773/"));
  t.is(signature, undefined);
});

const refused: Readonly<
  Record<string, readonly [text: string, edit: readonly [string | RegExp, string], says: RegExp]>
> = {
  "another format": [RAW, [">RAW<", ">VMDK<"], /VMDK/],
  "another signature algorithm": [RAW, ["RSA-SHA256", "RSA-MD5"], /RSA-MD5/],
  "a bundle without keys": [BUNDLE, [/<bundle>.*<\/bundle>/, ""], /"bundle"/],
  "a bundle with an empty key": [
    BUNDLE,
    [/<encrypted-key>.*<\/encrypted-key>/, "<encrypted-key/>"],
    /"encrypted-key"/,
  ],
  "another digest": [BUNDLE, ['algorithm="SHA1"', 'algorithm="MD5"'], /MD5/],
  "a missing part": [RAW, ['index="1"', 'index="2"'], /part 1 is missing/],
  "a part listed twice": [RAW, ['index="1"', 'index="0"'], /part 0 is listed twice/],
  "a part without URL": [RAW, [/<get-url>.*?<\/get-url>/, ""], /"get-url"/],
  "a local file": [RAW, ["<get-url>http:", "<get-url>file:"], /http/],
  "a bundle manifest": [RAW, [/^[^]*$/, manifestSample("bundle-euca2ools-3")], /current kind is bundle/],
};

for (const [what, [text, edit, says]] of Object.entries(refused)) {
  test(`parseDownloadManifest() fails with MANIFEST_INVALID for ${what}, without showing a URL`, async (t) => {
    const error = await failure(() => parseDownloadManifest(edited(text, edit)));
    t.is(error.code, "MANIFEST_INVALID");
    t.regex(error.message, says);
    t.notRegex(error.message, /Signature|AKIEXAMPLE/);
  });
}

for (const [what, sample] of Object.entries({ "an import": RAW, "a bundle": BUNDLE })) {
  requires("openssl")(
    `formatDownloadManifest() writes the JDK's bytes for ${what}, with a good signature`,
    async (t) => {
      const cloud = await testIdentity("cloud");
      const { signature, ...manifest } = parseDownloadManifest(Buffer.from(sample));
      t.truthy(signature);
      const text = formatDownloadManifest(manifest, cloud.privateKey);
      t.is(
        Buffer.from(text)
          .toString()
          .replace(/(?<=<signature[^>]*>)[^<]*/, ""),
        sample.replace(/(?<=<signature[^>]*>)[^<]*/, ""),
      );
      t.notThrows(() => verifyDownloadSignature(text, cloud.certificate));
    },
  );
}

requires("openssl")("formatDownloadManifest() signs a URL outside ASCII as UTF-8", async (t) => {
  const cloud = await testIdentity("cloud");
  const manifest: DownloadManifest = {
    content: { fileFormat: "RAW" },
    sizeBytes: 1,
    parts: [{ index: 0, getUrl: "http://host/dïsk?a=1&b=<2>" }],
  };
  const text = formatDownloadManifest(manifest, cloud.privateKey);
  t.regex(Buffer.from(text).toString(), /<get-url>http:\/\/host\/dïsk\?a=1&amp;b=&lt;2&gt;<\/get-url>/);
  t.notThrows(() => verifyDownloadSignature(text, cloud.certificate));
  t.deepEqual(parseDownloadManifest(text).parts, manifest.parts);
});

requires("openssl")("formatDownloadManifest() fails with KEY_INVALID for an Ed25519 key", async (t) => {
  const { privateKey } = await testIdentity("cloud", "ed25519");
  const manifest = parseDownloadManifest(Buffer.from(RAW));
  t.is((await failure(() => formatDownloadManifest(manifest, privateKey))).code, "KEY_INVALID");
});
