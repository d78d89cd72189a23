import type { X509Certificate } from "node:crypto";
import type { Command } from "commander";
import { defined } from "../../pipeline/defined.ts";
import { readBundleManifest } from "../bundle/read-manifest.ts";
import { requireKey, unbundleDestination, unbundleTo } from "../bundle/unbundle.ts";
import type { CommandSpec, RunSettings } from "../command.ts";
import { type AccessFlags, addAccessFlags, parseAccess } from "../options/access-flags.ts";
import {
  addStoredBundleFlags,
  parseBundleKey,
  parseStoredBundle,
  type StoredBundle,
  type StoredBundleFlags,
} from "../options/bundle-flags.ts";
import { addRunFlags, runSettings, type RunFlags } from "../options/run-flags.ts";
import { type NamedKey, readCertificate } from "../options/values.ts";

interface Flags extends StoredBundleFlags, AccessFlags, RunFlags {
  readonly destination: string;
  readonly privatekey?: string;
  readonly verifySignature?: string;
  readonly force?: boolean;
}

interface Options {
  readonly bundle: StoredBundle;
  readonly destination: string;
  readonly key: NamedKey;
  readonly signer?: X509Certificate;
  readonly overwrite: boolean;
  readonly settings: RunSettings;
}

/** As euca-download-and-unbundle: a bundle in object storage becomes an image, without a copy in between. */
export const downloadAndUnbundle: CommandSpec<Flags, Options> = {
  name: "download-and-unbundle",
  summary: "Fetch, decrypt and unpack a bundle from object storage in one go",
  examples: [
    {
      line: "download-and-unbundle -b images/web -p disk.img -k user.pem -d disk.raw",
      does: "fetch a bundle as an image",
    },
    {
      line: "download-and-unbundle -b images -m disk.manifest.xml -k user.pem -d - | dd of=/dev/vg0/guest",
      does: "into a pipe",
    },
  ],
  declare(command: Command) {
    addStoredBundleFlags(command);
    command
      .option("-d, --destination <place>", "folder, file, or - for standard output", ".")
      .option("-k, --privatekey <pem>", "private key that opens it; also EC2_PRIVATE_KEY, EUCA_PRIVATE_KEY")
      .option(
        "--verify-signature <certificate>",
        "insist that it was signed by the owner of this certificate",
      )
      .option("-f, --force", "replace the image if it exists");
    addAccessFlags(command);
    addRunFlags(command);
  },
  async parse(_args, flags, environment) {
    const { destination, privatekey, verifySignature } = flags;
    const bundle = parseStoredBundle(flags, parseAccess(flags, environment).s3);
    const key = requireKey(await parseBundleKey(privatekey, environment));
    const signer = verifySignature === undefined ? undefined : await readCertificate(verifySignature);
    const overwrite = flags.force === true;
    return { bundle, destination, key, ...defined({ signer }), overwrite, settings: runSettings(flags) };
  },
  async run({ bundle, destination: place, key, signer, overwrite, settings }, session) {
    const { parts, manifestPlace, manifestFile } = bundle;
    return session.run(settings, async (context) => {
      const { manifest } = await readBundleManifest(manifestPlace.source(manifestFile), context, signer);
      const destination = await unbundleDestination(place, manifest, overwrite, session);
      return unbundleTo(
        { manifest, name: manifestPlace.nameOf(manifestFile), parts, key, destination },
        context,
      );
    });
  },
};
