import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import plainTest from "ava";
import { bundle } from "../../../cli/commands/bundle.ts";
import { COMMANDS } from "../../../cli/commands/index.ts";
import { runCli } from "../../../cli/program.ts";
import { readByOpenssl, signatureHoldsByOpenssl } from "../../../fixtures/bundle-by-openssl.ts";
import { testIdentity } from "../../../fixtures/keys.ts";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { parseBundleManifest } from "../../../manifest/bundle.ts";
import { parsedOptions, testCli } from "../../support/cli.ts";
import { failure } from "../../support/errors.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { BUNDLE_PROGRAMS } from "../../support/openssl-bundle.ts";
import { requires } from "../../support/requires.ts";
import { s3Bucket } from "../../support/s3-bucket.ts";
import { S3_PROGRAMS } from "../../support/s3-server.ts";

const MIB = 1024 * 1024;
const test = requires(...BUNDLE_PROGRAMS);

/** The flags that cannot be left out. */
async function needed(): Promise<readonly string[]> {
  const { certificatePath } = await testIdentity("user");
  return ["-r", "x86_64", "-u", "0001-2345-6789", "-c", certificatePath];
}

for (const [flags, expected] of [
  [
    ["-i", "a/disk.img"],
    { prefix: "disk.img", site: { folder: "." }, overwrite: false, content: { type: "machine" } },
  ],
  [["-i", "x", "-p", "web", "-d", "out", "-f"], { prefix: "web", site: { folder: "out" }, overwrite: true }],
  [["-i", "x", "-b", "bucket/p"], { site: { bucket: "bucket", prefix: "p/" } }],
  [["-i", "-", "-p", "x", "--image-size", "10m"], { imageBytes: 10 * MIB }],
  [["-i", "x", "--part-size", "1m"], { content: { partSizeBytes: MIB } }],
  [["-i", "x", "--kernel", "true"], { content: { type: "kernel", machine: { kernelId: "true" } } }],
  [["-i", "x", "--ramdisk", "true"], { content: { type: "ramdisk", machine: { ramdiskId: "true" } } }],
  [["-i", "x", "--kernel", "eki-1", "--ramdisk", "eri-2"], { content: { type: "machine" } }],
  [
    ["-i", "x", "-B", "root=/dev/sda1,ami=sda", "--productcodes", "A,B"],
    {
      content: {
        user: "000123456789",
        machine: {
          architecture: "x86_64",
          blockDeviceMappings: [
            { virtual: "ami", device: "sda" },
            { virtual: "root", device: "/dev/sda1" },
          ],
          productCodes: ["A", "B"],
        },
      },
    },
  ],
] as const) {
  test(`bundle ${flags.join(" ")}`, async (t) => {
    const options = await parsedOptions(bundle, [...(await needed()), ...flags]);
    t.like(options.bundle, expected);
  });
}

test("bundle takes account, key and certificates from the environment that euca2ools reads", async (t) => {
  const [user, cloud] = await Promise.all([testIdentity("user"), testIdentity("cloud")]);
  const { content } = (
    await parsedOptions(bundle, ["-i", "x", "-r", "i386"], {
      EC2_USER_ID: "42",
      EC2_CERT: user.certificatePath,
      EUCALYPTUS_CERT: cloud.certificatePath,
      EUCA_PRIVATE_KEY: user.keyPath,
    })
  ).bundle;
  t.is(content.user, "42");
  t.true(content.recipients.user?.equals(user.certificate.publicKey));
  t.true(content.recipients.cloud?.equals(cloud.certificate.publicKey));
  t.true(content.signingKey?.equals(user.privateKey));
});

for (const [what, flags, message] of [
  ["standard input of unknown size", ["-i", "-", "-p", "x"], /size is not known/],
  ["a name that is a path", ["-i", "x", "-p", "../x"], /plain file name/],
  ["no name at all", ["-i", "-", "--image-size", "1m"], /plain file name/],
  ["parts of nothing", ["-i", "x", "--part-size", "0"], /parts of 0 bytes/],
  ["half a cipher", ["-i", "x", "--enc-key", "00112233445566778899aabbccddeeff"], /--enc-iv/],
  ["product codes of a kernel", ["-i", "x", "--kernel", "true", "--productcodes", "A"], /kernel/],
  ["an account that is a name", ["-i", "x", "-u", "alice"], /account number/],
  ["a bucket that is an address", ["-i", "x", "-b", "https://host"], /bucket/],
] as const) {
  test(`bundle refuses ${what} with ARGUMENT_INVALID and says what to do`, async (t) => {
    const error = await failure(async () => parsedOptions(bundle, [...(await needed()), ...flags]));
    t.is(error.code, "ARGUMENT_INVALID");
    t.regex(error.message, message);
    t.truthy(error.remedy);
  });
}

plainTest("bundle refuses to bundle for nobody with ARGUMENT_INVALID", async (t) => {
  const error = await failure(() => parsedOptions(bundle, ["-i", "x", "-r", "i386", "-u", "1"]));
  t.is(error.code, "ARGUMENT_INVALID");
  t.regex(error.remedy!, /--cert/);
});

for (const flags of [
  ["-r", "mips"],
  ["-B", "ami"],
  ["--enc-key", "xyz"],
]) {
  test(`bundle ${flags.join(" ")} is a usage error`, async (t) => {
    const cli = testCli();
    t.is(await runCli(["bundle", "-i", "x", ...(await needed()), ...flags], cli, COMMANDS), 2);
    t.regex(cli.stderr(), new RegExp(flags[0]!));
  });
}

test("bundle makes what outside programs read, by the owner's key and by the cloud's", async (t) => {
  await using folder = await temporaryFolder();
  const [user, cloud] = await Promise.all([testIdentity("user"), testIdentity("cloud")]);
  const disk = seededDisk("bundle", { sizeBytes: 5 * MIB + 1000 });
  await writeFile(folder.file("disk.img"), disk);
  const cli = testCli();
  const keys = ["-k", user.keyPath, "--ec2cert", cloud.certificatePath, "--part-size", "500k"];
  const places = ["-i", folder.file("disk.img"), "-d", folder.file("out")];
  t.is(await runCli(["bundle", ...places, ...(await needed()), ...keys], cli, COMMANDS), 0, cli.stderr());
  t.regex(cli.stdout(), /^bundle +.*\/disk\.img\.manifest\.xml$/m);
  const manifest = folder.file("out/disk.img.manifest.xml");
  for (const { keyPath } of [user, cloud]) {
    await readByOpenssl(folder.file("out"), manifest, keyPath, folder.file("back.img"));
    t.true((await readFile(folder.file("back.img"))).equals(disk));
  }
  t.true(await signatureHoldsByOpenssl(manifest, user));
  t.like(parseBundleManifest(await readFile(manifest)), {
    bundler: { name: "diskferry", version: "1.2.3" },
    image: { user: "000123456789", sizeBytes: disk.byteLength },
  });
});

test("bundle takes a pipe, and unbundle gives the same into a pipe", async (t) => {
  await using folder = await temporaryFolder();
  const { keyPath } = await testIdentity("user");
  const disk = seededDisk("pipe", { sizeBytes: 2 * MIB + 512 });
  const cli = testCli({ inputBytes: disk });
  const size = ["--image-size", String(disk.byteLength), "--from", "raw"];
  const args = ["bundle", "-i", "-", "-p", "web", "-d", folder.path, ...size, ...(await needed())];
  t.is(await runCli(args, cli, COMMANDS), 0, cli.stderr());
  const back = testCli();
  const places = ["-m", folder.file("web.manifest.xml"), "-s", folder.path, "-d", "-"];
  t.is(await runCli(["unbundle", ...places, "-k", keyPath], back, COMMANDS), 0, back.stderr());
  t.true(back.stdoutBytes().equals(disk));
});

for (const [what, sizeBytes] of [
  ["less", 2 * MIB - 1],
  ["more", 2 * MIB + 1],
] as const) {
  test(`bundle of a pipe that gives ${what} than was said ends with SIZE_MISMATCH and leaves nothing`, async (t) => {
    await using folder = await temporaryFolder();
    const cli = testCli({ inputBytes: seededDisk("pipe", { sizeBytes }) });
    const size = ["--image-size", "2m", "--from", "raw"];
    const args = ["bundle", "-i", "-", "-p", "web", "-d", folder.path, ...size, ...(await needed())];
    t.is(await runCli(args, cli, COMMANDS), 6);
    t.regex(cli.stderr(), /SIZE_MISMATCH/);
    t.deepEqual(await readdir(folder.path), []);
  });
}

test("bundle keeps a bundle that exists, unless it is told otherwise", async (t) => {
  await using folder = await temporaryFolder();
  await mkdir(folder.file("out"));
  await writeFile(folder.file("disk.img"), seededDisk("old", { sizeBytes: MIB }));
  await writeFile(folder.file("out/disk.img.manifest.xml"), "old");
  const args = ["bundle", "-i", folder.file("disk.img"), "-d", folder.file("out"), ...(await needed())];
  t.is(await runCli(args, testCli(), COMMANDS), 4);
  t.deepEqual(await readdir(folder.file("out")), ["disk.img.manifest.xml"]);
  t.is(await runCli([...args, "--force"], testCli(), COMMANDS), 0);
  t.deepEqual((await readdir(folder.file("out"))).sort(), ["disk.img.manifest.xml", "disk.img.part.00"]);
});

requires(...BUNDLE_PROGRAMS, ...S3_PROGRAMS)(
  "bundle puts it into a bucket, readable for whom --acl says",
  async (t) => {
    await using folder = await temporaryFolder();
    const store = await s3Bucket();
    const disk = seededDisk("bucket", { sizeBytes: MIB });
    await writeFile(folder.file("disk.img"), disk);
    const { endpoint, accessKeyId, secretAccessKey } = store.server;
    const access = ["-U", endpoint, "-I", accessKeyId, "-S", secretAccessKey];
    const cli = testCli();
    const place = ["-b", `${store.bucket}/a/b`, "--acl", "public-read", "--part-size", "200k"];
    const args = ["bundle", "-i", folder.file("disk.img"), ...place, ...access, ...(await needed())];
    t.is(await runCli(args, cli, COMMANDS), 0, cli.stderr());
    const manifest = `${store.bucket}/a/b/disk.img.manifest.xml`;
    t.regex(cli.stdout(), new RegExp(`^bundle +s3://${manifest}$`, "m"));
    const { keyPath } = await testIdentity("user");
    const back = testCli();
    const url = `${endpoint}/${manifest}`;
    t.is(
      await runCli(["convert", url, folder.file("back.raw"), "--key", keyPath], back, COMMANDS),
      0,
      back.stderr(),
    );
    t.true((await readFile(folder.file("back.raw"))).equals(disk));
  },
);

requires(
  "qemu-img",
  "qemu-nbd",
  ...BUNDLE_PROGRAMS,
)("bundle takes an image of any format and bundles its disk", async (t) => {
  await using folder = await temporaryFolder();
  const disk = seededDisk("format", { sizeBytes: 2 * MIB });
  await writeFile(folder.file("disk.raw"), disk);
  t.is(await runCli(["convert", folder.file("disk.raw"), folder.file("disk.qcow2")], testCli(), COMMANDS), 0);
  const cli = testCli();
  const places = ["-i", folder.file("disk.qcow2"), "-p", "web", "-d", folder.file("out")];
  t.is(await runCli(["bundle", ...places, ...(await needed())], cli, COMMANDS), 0, cli.stderr());
  const { keyPath } = await testIdentity("user");
  await readByOpenssl(
    folder.file("out"),
    folder.file("out/web.manifest.xml"),
    keyPath,
    folder.file("back.img"),
  );
  t.true((await readFile(folder.file("back.img"))).equals(disk));
});
