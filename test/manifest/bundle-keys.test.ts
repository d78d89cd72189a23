import { testIdentity } from "../../fixtures/keys.ts";
import { unwrapBundleKeys, unwrapDownloadKeys, wrapBundleKey } from "../../manifest/bundle-keys.ts";
import { type BundleImage, parseBundleManifest } from "../../manifest/bundle.ts";
import { encryptPkcs1 } from "../../manifest/pkcs1.ts";
import { failure } from "../support/errors.ts";
import { edited, manifestSample } from "../support/manifests.ts";
import { requires } from "../support/requires.ts";

const keyTest = requires("openssl");

const KEY = Uint8Array.from(Buffer.from("000102030405060708090a0b0c0d0e0f", "hex"));
const IV = Uint8Array.from(Buffer.from("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", "hex"));

type Wrapped = Pick<
  BundleImage,
  "ec2EncryptedKey" | "userEncryptedKey" | "ec2EncryptedIv" | "userEncryptedIv"
>;

/** The image of a manifest with these ciphertexts and no others. */
function imageWith(wrapped: Wrapped): BundleImage {
  const bare = edited(manifestSample("bundle-euca2ools-3"), [
    /<ec2_encrypted_key.*<\/user_encrypted_iv>/,
    "",
  ]);
  return { ...parseBundleManifest(bare).image, ...wrapped };
}

async function wrappedFor(userName: string, cloudName: string): Promise<Required<Wrapped>> {
  const [user, cloud] = [await testIdentity(userName), await testIdentity(cloudName)];
  return {
    userEncryptedKey: wrapBundleKey(KEY, user.certificate.publicKey),
    userEncryptedIv: wrapBundleKey(IV, user.certificate.publicKey),
    ec2EncryptedKey: wrapBundleKey(KEY, cloud.certificate.publicKey),
    ec2EncryptedIv: wrapBundleKey(IV, cloud.certificate.publicKey),
  };
}

keyTest("unwrapBundleKeys() opens with the user's key and with the cloud's key", async (t) => {
  const image = imageWith(await wrappedFor("user", "cloud"));
  for (const name of ["user", "cloud"]) {
    const { key, iv } = unwrapBundleKeys(image, (await testIdentity(name)).privateKey);
    t.deepEqual(key, KEY);
    t.deepEqual(iv, IV);
  }
});

keyTest("unwrapBundleKeys() opens with the cloud's key where the user elements are empty", async (t) => {
  const { ec2EncryptedKey, ec2EncryptedIv } = await wrappedFor("user", "cloud");
  const { privateKey } = await testIdentity("cloud");
  t.deepEqual(unwrapBundleKeys(imageWith({ ec2EncryptedKey, ec2EncryptedIv }), privateKey), {
    key: KEY,
    iv: IV,
  });
});

keyTest("unwrapBundleKeys() chooses for key and vector independently", async (t) => {
  const { userEncryptedKey, ec2EncryptedIv } = await wrappedFor("user", "user");
  const other = await wrappedFor("stranger", "stranger");
  const image = imageWith({ ...other, userEncryptedKey, ec2EncryptedIv });
  t.deepEqual(unwrapBundleKeys(image, (await testIdentity("user")).privateKey), { key: KEY, iv: IV });
});

keyTest("unwrapBundleKeys() accepts upper-case digits inside the ciphertext", async (t) => {
  const { certificate, privateKey } = await testIdentity("user");
  const upper = encryptPkcs1(
    Buffer.from(Buffer.from(IV).toString("hex").toUpperCase()),
    certificate.publicKey,
  );
  const image = imageWith({ ...(await wrappedFor("user", "cloud")), userEncryptedIv: upper });
  t.deepEqual(unwrapBundleKeys(image, privateKey).iv, IV);
});

keyTest(
  "unwrapBundleKeys() fails with KEY_MISMATCH for a stranger's key, every time, and tells nothing",
  async (t) => {
    const { privateKey } = await testIdentity("stranger");
    for (let tries = 0; tries < 20; tries++) {
      const image = imageWith(await wrappedFor("user", "cloud"));
      const error = await failure(() => unwrapBundleKeys(image, privateKey));
      t.is(error.code, "KEY_MISMATCH");
      t.regex(error.remedy!, /private key/);
      t.notRegex(error.message, /[0-9a-f]{16}/);
      t.is(error.cause, undefined);
    }
  },
);

keyTest("unwrapBundleKeys() names both lengths for a key of another length", async (t) => {
  const image = imageWith(await wrappedFor("user", "user"));
  const { privateKey } = await testIdentity("long", "rsa:3072");
  const error = await failure(() => unwrapBundleKeys(image, privateKey));
  t.is(error.code, "KEY_MISMATCH");
  t.regex(error.message, /2048 bits.*3072 bits/);
});

for (const [what, plaintext] of Object.entries({
  "31 digits": "0".repeat(31),
  "33 digits": "0".repeat(33),
  "16 raw bytes": "\u0001".repeat(16),
  "32 characters that are no digits": "g".repeat(32),
  "32 digits with a newline": `${"0".repeat(31)}\n`,
  nothing: "",
})) {
  keyTest(`unwrapBundleKeys() fails with KEY_MISMATCH when the ciphertext holds ${what}`, async (t) => {
    const { certificate, privateKey } = await testIdentity("user");
    const bad = encryptPkcs1(Buffer.from(plaintext), certificate.publicKey);
    const good = await wrappedFor("user", "user");
    const image = imageWith({ ...good, userEncryptedKey: bad, ec2EncryptedKey: bad });
    t.is((await failure(() => unwrapBundleKeys(image, privateKey))).code, "KEY_MISMATCH");
  });
}

keyTest("unwrapBundleKeys() fails with MANIFEST_INVALID when there is no ciphertext", async (t) => {
  const { privateKey } = await testIdentity("user");
  t.is((await failure(() => unwrapBundleKeys(imageWith({}), privateKey))).code, "MANIFEST_INVALID");
});

keyTest("unwrapBundleKeys() and wrapBundleKey() fail with KEY_INVALID for an Ed25519 key", async (t) => {
  const { privateKey, certificate } = await testIdentity("user", "ed25519");
  const image = imageWith(await wrappedFor("user", "user"));
  t.is((await failure(() => unwrapBundleKeys(image, privateKey))).code, "KEY_INVALID");
  t.is((await failure(() => wrapBundleKey(KEY, certificate.publicKey))).code, "KEY_INVALID");
});

keyTest("wrapBundleKey() throws a RangeError for other lengths than 16", async (t) => {
  const { certificate } = await testIdentity("user");
  for (const length of [0, 15, 17, 32]) {
    t.throws(() => wrapBundleKey(new Uint8Array(length), certificate.publicKey), { instanceOf: RangeError });
  }
});

keyTest("unwrapDownloadKeys() opens what was wrapped again for another recipient", async (t) => {
  const [user, node] = [await testIdentity("user"), await testIdentity("node")];
  const { key, iv } = unwrapBundleKeys(imageWith(await wrappedFor("user", "cloud")), user.privateKey);
  const bundle = {
    encryptedKey: wrapBundleKey(key, node.certificate.publicKey),
    encryptedIv: wrapBundleKey(iv, node.certificate.publicKey),
  };
  t.deepEqual(unwrapDownloadKeys(bundle, node.privateKey), { key: KEY, iv: IV });
  t.is((await failure(() => unwrapDownloadKeys(bundle, user.privateKey))).code, "KEY_MISMATCH");
});
