import test from "ava";
import * as fc from "fast-check";
import { testIdentity } from "../../fixtures/keys.ts";
import { type BundleManifest, formatBundleManifest, parseBundleManifest } from "../../manifest/bundle.ts";
import { verifyBundleSignature } from "../../manifest/signature.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { failure } from "../support/errors.ts";
import { edited, manifestSample, propertyRuns } from "../support/manifests.ts";
import { requires } from "../support/requires.ts";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));

const EUCA3 = manifestSample("bundle-euca2ools-3");

const GOLDEN: BundleManifest = {
  version: "2007-10-10",
  bundler: { name: "euca2ools", version: "3.4.1", release: "0" },
  machine: {
    architecture: "x86_64",
    blockDeviceMappings: [
      { virtual: "ami", device: "sda" },
      { virtual: "ephemeral0", device: "sdb" },
    ],
    productCodes: ["D4E5F6"],
  },
  image: {
    name: "disk.img",
    user: "000123456789",
    type: "machine",
    ancestry: [],
    digest: "560ee24d79f829f2040be85b69b646b3ba75bfb7",
    sizeBytes: 1000,
    bundledSizeBytes: 128,
    ec2EncryptedKey: bytes("0a0b0c0d"),
    userEncryptedKey: bytes("1a1b1c1d"),
    ec2EncryptedIv: bytes("2a2b2c2d"),
    userEncryptedIv: bytes("3a3b3c3d"),
    parts: [{ index: 0, fileName: "disk.img.part.00", sha1: "00112233445566778899aabbccddeeff00112233" }],
  },
};

test("parseBundleManifest() reads what euca2ools 3 writes", (t) => {
  t.deepEqual(parseBundleManifest(Buffer.from(EUCA3)), GOLDEN);
});

test("parseBundleManifest() reads what ec2-ami-tools write", (t) => {
  const { bundler, machine, image, signature } = parseBundleManifest(
    Buffer.from(manifestSample("bundle-ec2-ami-tools")),
  );
  t.deepEqual(bundler, { name: "ec2-ami-tools", version: "1.5", release: "1190" });
  t.is(machine?.kernelId, "aki-0badcafe");
  t.is(machine?.ramdiskId, "ari-0badf00d");
  t.deepEqual(machine?.productCodes, ["D4E5F6", "A1B2C3"]);
  t.is(image.name, "dïsk");
  t.deepEqual(image.ancestry, ["ami-11111111", "ami-22222222", "ami-33333333"]);
  t.deepEqual(
    image.parts.map(({ fileName }) => fileName),
    ["dïsk.part.0", "dïsk.part.1", "dïsk.part.2"],
  );
  t.deepEqual(signature, bytes("00ff"));
});

test("parseBundleManifest() reads what euca2ools 1 and 2 write: no count, parts out of order, no user key", (t) => {
  const { machine, image } = parseBundleManifest(Buffer.from(manifestSample("bundle-euca2ools-2")));
  t.deepEqual(machine?.blockDeviceMappings, [{ virtual: "ami", device: "sda" }]);
  t.is(image.type, "kernel");
  t.is(image.kernelName, "vmlinuz-2.6.32");
  t.is(image.digest, "560ee24d79f829f2040be85b69b646b3ba75bfb7");
  t.is(image.userEncryptedKey, undefined);
  t.is(image.userEncryptedIv, undefined);
  t.deepEqual(image.ec2EncryptedKey, bytes("0a0b0c0d"));
  t.deepEqual(image.parts, [
    { index: 0, fileName: "vmlinuz.part.00", sha1: "00112233445566778899aabbccddeeff00112233" },
    { index: 1, fileName: "vmlinuz.part.01", sha1: "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
  ]);
});

const accepted: Readonly<Record<string, readonly [string | RegExp, string]>> = {
  "no machine_configuration": [/<machine_configuration>.*<\/machine_configuration>/, ""],
  "no digest of the archive": [/<digest algorithm="SHA1">560e[^<]*<\/digest>/, ""],
  "no digest of a part": [/<digest algorithm="SHA1">0011[^<]*<\/digest>/, ""],
  "no algorithm attributes": [/ algorithm="AES-128-CBC"/, ""],
  "no signature element": [/<signature>.*<\/signature>/, ""],
  "an unknown element": ["<image>", "<image><future>1</future>"],
  "white space between elements": [/></g, ">\n  <"],
  "the digest algorithm as sha1": ['algorithm="SHA1"', 'algorithm="sha1"'],
  "two dots inside a name": ["<name>disk.img<", "<name>disk..img<"],
};

for (const [what, edit] of Object.entries(accepted)) {
  test(`parseBundleManifest() accepts ${what}`, (t) => {
    t.is(parseBundleManifest(edited(EUCA3, edit)).image.sizeBytes, 1000);
  });
}

for (const [stated, machine, type] of [
  ["<type>kernel</type>", "", "kernel"],
  ["<type>ramdisk</type>", "", "ramdisk"],
  ["", "<kernel_id>true</kernel_id>", "kernel"],
  ["", "<ramdisk_id>yes</ramdisk_id>", "ramdisk"],
  ["", "<kernel_id>eki-0badcafe</kernel_id>", "machine"],
] as const) {
  test(`parseBundleManifest() takes "${stated}" with "${machine}" for a ${type}`, (t) => {
    const text = edited(
      EUCA3,
      ["<type>machine</type>", stated],
      ["<product_codes>", `${machine} <product_codes>`],
    );
    t.is(parseBundleManifest(text).image.type, type);
  });
}

const part = (index: number | string, name = `disk.img.part.0${index}`): string =>
  `<part index="${index}"><filename>${name}</filename></part>`;

const refused: Readonly<Record<string, readonly [edit: readonly [string | RegExp, string], says: RegExp]>> = {
  "no image": [[/<image>.*<\/image>/, ""], /"image"/],
  "two images": [["<image>", "<image></image><image>"], /"image" twice/],
  "two digests": [["<size>", '<digest algorithm="SHA1"/><size>'], /"digest" twice/],
  "no size": [["<size>1000</size>", ""], /"size"/],
  "a negative size": [["<size>1000<", "<size>-1<"], /"-1"/],
  "a size in another notation": [["<size>1000<", "<size>1e3<"], /"1e3"/],
  "a size past safe integers": [["<size>1000<", "<size>9007199254740992<"], /9007199254740992/],
  "another cipher": [["AES-128-CBC", "AES-256-CBC"], /AES-256-CBC/],
  "another digest": [['algorithm="SHA1">56', 'algorithm="MD5">56'], /"MD5"/],
  "a short digest": [["560ee2", "60ee2"], /40 hexadecimal digits/],
  "a key that is not hexadecimal": [["0a0b0c0d", "0a0b0c0x"], /0a0b0c0x/],
  "a key of half a byte": [["0a0b0c0d", "0a0b0c0"], /0a0b0c0/],
  "a signature that is not hexadecimal": [["UNSIGNED", "SIGNED"], /SIGNED/],
  "no part": [[/<part index.*<\/part>/, ""], /no part/],
  "no parts": [[/<parts.*<\/parts>/, ""], /"parts"/],
  "a part without index": [[' index="0"', ""], /"index"/],
  "a part with a broken index": [['index="0"', 'index="0x0"'], /0x0/],
  "a count that is too high": [['count="1"', 'count="2"'], /must list 2 parts.*: current number is 1/],
  "a first index of 1": [['index="0"', 'index="1"'], /part 0 is missing/],
  "a part listed twice": [["</parts>", `${part(0)}</parts>`], /part 0 is listed twice/],
  "a hole in the indices": [["</parts>", `${part(2)}</parts>`], /part 1 is missing/],
  "two parts in one file": [
    ['count="1"><part', `count="2">${part(1, "disk.img.part.00")}<part`],
    /parts 0 and 1 are the same file "disk.img.part.00"/,
  ],
  "an absolute image name": [["<name>disk.img<", "<name>/etc/passwd<"], /"\/etc\/passwd"/],
  "an image name that climbs": [["<name>disk.img<", "<name>../disk.img<"], /"..\/disk.img"/],
  "an image name of two dots": [["<name>disk.img<", "<name>..<"], /".."/],
  "an empty image name": [["<name>disk.img<", "<name> <"], /"name"/],
  "an image name with a terminal sequence": [["<name>disk.img<", "<name>a&#155;2J<"], /\\u009b/],
  "a part in another folder": [["disk.img.part.00", "a/disk.img.part.00"], /part 0/],
  "a part that climbs": [["disk.img.part.00", "../../etc/shadow"], /part 0/],
  "a part with a backslash": [["disk.img.part.00", "..\\disk"], /part 0/],
  "a part name past 255 bytes": [["disk.img.part.00", "x".repeat(256)], /part 0/],
  "an import manifest": [
    [/^[^]*$/, manifestSample("import-euca2ools")],
    /must be of a bundle: current kind is import/,
  ],
  "a download manifest": [[/^[^]*$/, manifestSample("download-raw")], /current kind is download/],
  "an error of the object store": [[/^[^]*$/, "<Error><Code>AccessDenied</Code></Error>"], /"AccessDenied"/],
  "another root": [[/^[^]*$/, "<html/>"], /"html"/],
};

for (const [what, [edit, says]] of Object.entries(refused)) {
  test(`parseBundleManifest() fails with MANIFEST_INVALID for ${what}`, async (t) => {
    const error = await failure(() => parseBundleManifest(edited(EUCA3, edit)));
    t.is(error.code, "MANIFEST_INVALID");
    t.regex(error.message, says);
    t.truthy(error.remedy);
  });
}

test("parseBundleManifest() fails with MANIFEST_INVALID for a manifest cut at any byte", async (t) => {
  const text = Buffer.from(EUCA3);
  for (let length = 0; length < text.byteLength; length++) {
    const error = await failure(() => parseBundleManifest(text.subarray(0, length)));
    if (error.code !== "MANIFEST_INVALID") t.fail(`${error.code} at ${length}`);
  }
  t.pass();
});

test("parseBundleManifest() fails with MANIFEST_TOO_LARGE for a million parts", async (t) => {
  const parts = Array.from({ length: 1_000_000 }, (_, index) => part(index)).join("");
  const error = await failure(() => parseBundleManifest(edited(EUCA3, ["</parts>", `${parts}</parts>`]), {}));
  t.is(error.code, "MANIFEST_TOO_LARGE");
});

test("parseBundleManifest() reads 100,000 parts, in order", (t) => {
  const { parts } = parseBundleManifest(
    formatBundleManifest({
      ...GOLDEN,
      image: {
        ...GOLDEN.image,
        parts: Array.from({ length: 100_000 }, (_, index) => ({ index, fileName: `p.${index}` })),
      },
    }),
  ).image;
  t.is(parts.length, 100_000);
  t.true(parts.every(({ index, fileName }, place) => index === place && fileName === `p.${place}`));
});

test("formatBundleManifest() writes the very bytes of euca2ools 3", (t) => {
  t.is(Buffer.from(formatBundleManifest(GOLDEN)).toString(), EUCA3);
});

test("formatBundleManifest() writes empty elements without a user key, and no mappings for a kernel", (t) => {
  const { userEncryptedKey, userEncryptedIv, ...image } = GOLDEN.image;
  t.truthy(userEncryptedKey && userEncryptedIv);
  const text = Buffer.from(
    formatBundleManifest({
      ...GOLDEN,
      machine: { ...GOLDEN.machine!, kernelId: "true" },
      image: { ...image, type: "kernel" },
    }),
  ).toString();
  t.regex(text, /<user_encrypted_key algorithm="AES-128-CBC"\/>/);
  t.regex(text, /<user_encrypted_iv\/>/);
  t.regex(text, /<architecture>x86_64<\/architecture><kernel_id>true<\/kernel_id><\/machine_configuration>/);
});

test("formatBundleManifest() escapes as lxml does and sorts mappings by virtual name", (t) => {
  const manifest: BundleManifest = {
    ...GOLDEN,
    machine: {
      blockDeviceMappings: [
        { virtual: "root", device: "/dev/<a>&" },
        { virtual: "ami", device: "sda" },
      ],
      productCodes: [],
    },
    image: { ...GOLDEN.image, name: "dïsk😀" },
  };
  const text = Buffer.from(formatBundleManifest(manifest)).toString("latin1");
  t.regex(text, /<name>d&#239;sk&#128512;<\/name>/);
  t.regex(text, /<virtual>ami<\/virtual>.*<virtual>root<\/virtual><device>\/dev\/&lt;a&gt;&amp;<\/device>/);
  t.is(parseBundleManifest(Buffer.from(text, "latin1")).image.name, "dïsk😀");
});

test("formatBundleManifest() fails with MANIFEST_INVALID for names that could not be read back", async (t) => {
  for (const name of ["", "..", "a/b"]) {
    const error = await failure(() => formatBundleManifest({ ...GOLDEN, image: { ...GOLDEN.image, name } }));
    t.is(error.code, "MANIFEST_INVALID");
  }
});

requires("openssl")("formatBundleManifest() signs what verifyBundleSignature() accepts", async (t) => {
  const user = await testIdentity("user");
  const text = formatBundleManifest(GOLDEN, user.privateKey);
  t.notThrows(() => verifyBundleSignature(text, user.certificate));
  const { signature, ...rest } = parseBundleManifest(text);
  t.is(signature?.byteLength, 256);
  t.deepEqual(rest, GOLDEN);
});

requires("openssl")("formatBundleManifest() fails with KEY_INVALID for an Ed25519 key", async (t) => {
  const { privateKey } = await testIdentity("user", "ed25519");
  t.is((await failure(() => formatBundleManifest(GOLDEN, privateKey))).code, "KEY_INVALID");
});

const words = fc
  .string({ minLength: 1, maxLength: 12, unit: "grapheme" })
  .map((text) => text.replaceAll(/[^\p{L}\p{N}<>&"' -]/gu, "x").trim() || "x");
const blobs = fc.uint8Array({ minLength: 1, maxLength: 16 }).map((blob) => Uint8Array.from(blob));
const sha1s = fc
  .uint8Array({ minLength: 20, maxLength: 20 })
  .map((blob) => Buffer.from(blob).toString("hex"));
const sizes = fc.nat({ max: Number.MAX_SAFE_INTEGER });

const manifests: fc.Arbitrary<BundleManifest> = fc.record({
  version: fc.constant("2007-10-10"),
  bundler: fc.record({ name: words, version: words, release: words }),
  machine: fc.record(
    {
      architecture: words,
      blockDeviceMappings: fc
        .uniqueArray(fc.record({ virtual: words, device: words }), {
          selector: ({ virtual }) => virtual,
          maxLength: 4,
        })
        .map((mappings) => mappings.sort((a, b) => (a.virtual < b.virtual ? -1 : 1))),
      productCodes: fc.array(words, { maxLength: 3 }),
      kernelId: words,
    },
    { requiredKeys: ["blockDeviceMappings", "productCodes"] },
  ),
  image: fc.record(
    {
      name: words,
      user: words,
      type: fc.constant("machine" as const),
      kernelName: words,
      ancestry: fc.array(words, { maxLength: 3 }),
      digest: sha1s,
      sizeBytes: sizes,
      bundledSizeBytes: sizes,
      ec2EncryptedKey: blobs,
      userEncryptedKey: blobs,
      ec2EncryptedIv: blobs,
      userEncryptedIv: blobs,
      parts: fc.array(fc.option(sha1s, { nil: undefined }), { minLength: 1, maxLength: 12 }).map((digests) =>
        digests.map((sha1, index) => ({
          index,
          fileName: `part.${index}`,
          ...(sha1 === undefined ? {} : { sha1 }),
        })),
      ),
    },
    {
      requiredKeys: ["name", "user", "type", "ancestry", "sizeBytes", "bundledSizeBytes", "parts"],
    },
  ),
});

test("parseBundleManifest() gives back what formatBundleManifest() was given", (t) => {
  fc.assert(
    fc.property(manifests, (manifest) => {
      t.deepEqual(parseBundleManifest(formatBundleManifest(manifest)), manifest);
    }),
    { numRuns: propertyRuns(100) },
  );
});

test("parseBundleManifest() throws nothing but MANIFEST_… for damaged manifests of every writer", (t) => {
  const samples = (["bundle-ec2-ami-tools", "bundle-euca2ools-2", "bundle-euca2ools-3"] as const).map(
    (name) => Buffer.from(manifestSample(name)),
  );
  const damage = fc.record({
    sample: fc.constantFrom(...samples),
    at: fc.nat(),
    cut: fc.nat({ max: 80 }),
    byte: fc.nat(255),
  });
  fc.assert(
    fc.property(damage, ({ sample, at, cut, byte }) => {
      const place = at % sample.byteLength;
      const text = Buffer.concat([
        sample.subarray(0, place),
        Uint8Array.of(byte),
        sample.subarray(place + cut),
      ]);
      try {
        parseBundleManifest(text);
      } catch (error) {
        return error instanceof ImportError && error.code.startsWith("MANIFEST_");
      }
      return true;
    }),
    { numRuns: propertyRuns(500) },
  );
  t.pass();
});
