import { type BundleImageFlags, parseBundleImage } from "../../../cli/options/bundle-image-flags.ts";
import { testIdentity } from "../../../fixtures/keys.ts";
import { failure } from "../../support/errors.ts";
import { requires } from "../../support/requires.ts";

const test = requires("openssl");

async function parsed(flags: Partial<BundleImageFlags>) {
  const { certificatePath } = await testIdentity("user");
  return parseBundleImage({ arch: "x86_64", user: "1", cert: certificatePath, ...flags }, { variables: {} });
}

test("parseBundleImage() makes an unsigned machine image for the owner of the certificate", async (t) => {
  const { certificate } = await testIdentity("user");
  const content = await parsed({});
  t.like(content, {
    user: "1",
    type: "machine",
    machine: { architecture: "x86_64", blockDeviceMappings: [], productCodes: [] },
  });
  t.true(content.recipients.user?.equals(certificate.publicKey));
  t.is(content.recipients.cloud, undefined);
  t.is(content.signingKey, undefined);
  t.is(content.keys, undefined);
  t.is(content.partSizeBytes, undefined);
});

for (const [flags, type, machine] of [
  [{ kernel: "true" }, "kernel", { kernelId: "true", ramdiskId: undefined }],
  [{ ramdisk: "true" }, "ramdisk", { kernelId: undefined, ramdiskId: "true" }],
  [{ imageType: "kernel" }, "kernel", { kernelId: "true" }],
  [{ imageType: "machine", kernel: "eki-1" }, "machine", { kernelId: "eki-1" }],
] as const) {
  test(`parseBundleImage() makes a ${type} of ${JSON.stringify(flags)}`, async (t) => {
    const content = await parsed(flags);
    t.is(content.type, type);
    t.like(content.machine, machine);
  });
}

test("parseBundleImage() takes a given key and vector, but not one alone", async (t) => {
  const [encKey, encIv] = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)];
  t.deepEqual((await parsed({ encKey, encIv })).keys, { key: encKey, iv: encIv });
  t.is((await failure(() => parsed({ encKey }))).code, "ARGUMENT_INVALID");
  t.is((await failure(() => parsed({ encIv }))).code, "ARGUMENT_INVALID");
});

for (const user of ["", "alice", "12a", "--"]) {
  test(`parseBundleImage() refuses the account "${user}" with ARGUMENT_INVALID`, async (t) => {
    t.is((await failure(() => parsed({ user }))).code, "ARGUMENT_INVALID");
  });
}

test("parseBundleImage() sorts mappings by their virtual name, as euca2ools writes them", async (t) => {
  const blockDeviceMappings = [
    { virtual: "root", device: "/dev/sda1" },
    { virtual: "ami", device: "sda" },
  ];
  t.deepEqual(
    (await parsed({ blockDeviceMappings })).machine?.blockDeviceMappings,
    blockDeviceMappings.toReversed(),
  );
});
