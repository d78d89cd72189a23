import test from "ava";
import * as fc from "fast-check";
import { type ImportManifest, formatImportManifest, parseImportManifest } from "../../manifest/import.ts";
import { failure } from "../support/errors.ts";
import { edited, manifestSample, propertyRuns } from "../support/manifests.ts";

const EUCA = manifestSample("import-euca2ools");
const AWS = manifestSample("import-aws-tools");

test("parseImportManifest() reads what euca2ools writes", (t) => {
  const manifest = parseImportManifest(Buffer.from(EUCA));
  const folder = "http://s3.cloud.example:8773/services/objectstorage/imports/9f1c/";
  const query = "?AWSAccessKeyId=AKIEXAMPLE&Expires=1702592000&Signature=";
  t.deepEqual(manifest, {
    fileFormat: "RAW",
    importer: { name: "euca2ools", version: "3.4.1", release: "0" },
    selfDestructUrl: `${folder}disk.img.manifest.xml${query}ZGVs`,
    sizeBytes: 20_971_520,
    volumeSizeGib: 1,
    parts: [0, 1].map((index) => ({
      index,
      startByte: index * 10_485_760,
      endByteInclusive: (index + 1) * 10_485_760 - 1,
      key: `9f1c/disk.img.part.${index}`,
      headUrl: `${folder}disk.img.part.${index}${query}head${index}`,
      getUrl: `${folder}disk.img.part.${index}${query}get${index}`,
      deleteUrl: `${folder}disk.img.part.${index}${query}delete${index}`,
    })),
  });
});

test("parseImportManifest() reads what the AWS tools write: parts out of order, no delete-url, the end clamped", (t) => {
  const manifest = parseImportManifest(Buffer.from(AWS));
  t.is(manifest.fileFormat, "VMDK");
  t.is(manifest.selfDestructUrl, undefined);
  t.deepEqual(
    manifest.parts.map(({ startByte, endByteInclusive }) => [startByte, endByteInclusive]),
    [
      [0, 10_485_759],
      [10_485_760, 15_728_639],
    ],
  );
  t.is(
    manifest.parts[1]?.getUrl.endsWith(
      "disk.vmdk.part1?AWSAccessKeyId=AKIEXAMPLE&Expires=1702592000&Signature=x%2B",
    ),
    true,
  );
  t.false("deleteUrl" in manifest.parts[0]!);
});

test("parseImportManifest() takes a size for VMDK that is the capacity and not the sum of the parts", (t) => {
  t.is(
    parseImportManifest(edited(AWS, ["<size>15728640<", "<size>107374182400<"])).sizeBytes,
    107_374_182_400,
  );
});

test("parseImportManifest() strips the marker imaging@ from URLs", (t) => {
  const manifest = parseImportManifest(edited(EUCA, ["<get-url>http://", "<get-url>http://imaging@"]));
  t.true(manifest.parts[0]?.getUrl.startsWith("http://s3.cloud.example:8773/"));
});

test("parseImportManifest() accepts an empty last part, and no part count", (t) => {
  const text = edited(
    EUCA,
    ["<size>20971520<", "<size>10485760<"],
    ['end="20971519"', 'end="10485759"'],
    [' count="2"', ""],
  );
  t.is(parseImportManifest(text).parts.length, 2);
});

const refused: Readonly<Record<string, readonly [edit: readonly [string | RegExp, string], says: RegExp]>> = {
  "another format": [["RAW", "QCOW2"], /QCOW2/],
  "no import": [[/<import>[^]*<\/import>/, "<import/>"], /"size"/],
  "no part": [[/<part index[^]*<\/part>/, ""], /no part/],
  "a part listed twice": [['<part index="1">', '<part index="0">'], /part 0 is listed twice/],
  "a missing part": [['<part index="1">', '<part index="2">'], /part 1 is missing/],
  "another count": [['count="2"', 'count="3"'], /must list 3 parts/],
  "a gap": [['start="10485760"', 'start="10485761"'], /part 1 must start at byte 10485760/],
  "an overlap": [['start="10485760"', 'start="10485759"'], /part 1 must start/],
  "a first part that does not start at 0": [['start="0"', 'start="1"'], /part 0 must start at byte 0/],
  "a range that runs backwards": [['end="10485759"', 'end="-1"'], /"-1"/],
  "parts that make less than the size": [['end="20971519"', 'end="20971518"'], /current sum is 20971519/],
  "parts that make more than the size": [['end="20971519"', 'end="20971521"'], /current sum is 20971522/],
  "an empty part in the middle": [
    [/end="10485759"[^]*start="10485760"/, 'end="-1"/></part><part index="1"><byte-range start="0"'],
    /part|end/,
  ],
  "no byte range": [[/<byte-range[^>]*>/, ""], /"byte-range"/],
  "no key": [["<key>9f1c/disk.img.part.0</key>", "<key/>"], /"key"/],
  "no get-url": [[/<get-url>[^]*?<\/get-url>/, ""], /"get-url"/],
  "a file as URL": [["<get-url>http://", "<get-url>file:///"], /"get-url".*http/],
  "something else as URL": [["<head-url>http://", "<head-url>"], /"head-url"/],
  "a volume size with a fraction": [["<volume-size>1<", "<volume-size>1.5<"], /1\.5/],
  "a bundle manifest": [[/^[^]*$/, manifestSample("bundle-euca2ools-3")], /current kind is bundle/],
};

for (const [what, [edit, says]] of Object.entries(refused)) {
  test(`parseImportManifest() fails with MANIFEST_INVALID for ${what}, without showing a URL`, async (t) => {
    const error = await failure(() => parseImportManifest(edited(EUCA, edit)));
    t.is(error.code, "MANIFEST_INVALID");
    t.regex(error.message, says);
    t.notRegex(error.message, /Signature|AKIEXAMPLE/);
  });
}

const texts = fc.string({ maxLength: 10, unit: "grapheme-ascii" }).map((text) => text.trim());
const urls = fc.webUrl({ withQueryParameters: true }).filter((url) => URL.canParse(url));

const manifests: fc.Arbitrary<ImportManifest> = fc
  .record({
    fileFormat: fc.constantFrom("RAW" as const, "VMDK" as const, "VHD" as const),
    importer: fc.record({ name: texts, version: texts, release: texts }),
    volumeSizeGib: fc.nat(),
    lengths: fc.array(fc.integer({ min: 1, max: 2 ** 40 }), { minLength: 1, maxLength: 8 }),
    part: fc.record(
      { key: texts.map((text) => `k${text}`), headUrl: urls, getUrl: urls, deleteUrl: urls },
      { requiredKeys: ["key", "headUrl", "getUrl"] },
    ),
  })
  .map(({ lengths, part, ...rest }) => {
    let sizeBytes = 0;
    const parts = lengths.map((length, index) => {
      const startByte = sizeBytes;
      sizeBytes += length;
      return { index, startByte, endByteInclusive: sizeBytes - 1, ...part };
    });
    return { ...rest, sizeBytes, parts };
  });

test("parseImportManifest() gives back what formatImportManifest() was given", (t) => {
  fc.assert(
    fc.property(manifests, (manifest) => {
      t.deepEqual(parseImportManifest(formatImportManifest(manifest)), manifest);
    }),
    { numRuns: propertyRuns(100) },
  );
});

test("formatImportManifest() keeps the self-destruct URL and euca2ools' order of elements", (t) => {
  const manifest = parseImportManifest(Buffer.from(EUCA));
  const text = Buffer.from(formatImportManifest(manifest)).toString();
  t.deepEqual(parseImportManifest(Buffer.from(text)), manifest);
  t.is(text.replaceAll(/\s*</g, "<"), EUCA.replaceAll(/\s*</g, "<").trim());
});
