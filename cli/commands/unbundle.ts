import type { X509Certificate } from "node:crypto";
import { basename, dirname } from "node:path";
import type { Command } from "commander";
import { defined } from "../../pipeline/defined.ts";
import { folderPlace } from "../bundle/place.ts";
import { readBundleManifest } from "../bundle/read-manifest.ts";
import { requireKey, unbundleDestination, unbundleTo } from "../bundle/unbundle.ts";
import type { CommandSpec, RunSettings } from "../command.ts";
import { parseBundleKey } from "../options/bundle-flags.ts";
import { addRunFlags, runSettings, type RunFlags } from "../options/run-flags.ts";
import { type NamedKey, readCertificate } from "../options/values.ts";

interface Flags extends RunFlags {
  readonly manifest: string;
  readonly source: string;
  readonly destination: string;
  readonly privatekey?: string;
  readonly verifySignature?: string;
  readonly force?: boolean;
}

interface Options {
  readonly manifest: string;
  readonly source: string;
  readonly destination: string;
  readonly key: NamedKey;
  readonly signer?: X509Certificate;
  readonly overwrite: boolean;
  readonly settings: RunSettings;
}

/** As euca-unbundle: a bundle in a folder becomes an image. */
export const unbundle: CommandSpec<Flags, Options> = {
  name: "unbundle",
  summary: "Decrypt and unpack a bundle that is in a folder",
  examples: [
    { line: "unbundle -m disk.manifest.xml -k user.pem", does: "unpack a bundle in this folder" },
    {
      line: "unbundle -m disk.manifest.xml -s parts -d images -k user.pem",
      does: "with its parts elsewhere, into another folder",
    },
    { line: "unbundle -m disk.manifest.xml -k user.pem -d - | dd of=/dev/vg0/guest", does: "into a pipe" },
  ],
  declare(command: Command) {
    command
      .requiredOption("-m, --manifest <file>", "manifest of the bundle")
      .option("-s, --source <folder>", "where the parts are", ".")
      .option("-d, --destination <place>", "folder, file, or - for standard output", ".")
      .option("-k, --privatekey <pem>", "private key that opens it; also EC2_PRIVATE_KEY, EUCA_PRIVATE_KEY")
      .option(
        "--verify-signature <certificate>",
        "insist that it was signed by the owner of this certificate",
      )
      .option("-f, --force", "replace the image if it exists");
    addRunFlags(command);
  },
  async parse(_args, flags, environment) {
    const { manifest, source, destination, privatekey, verifySignature } = flags;
    const key = requireKey(await parseBundleKey(privatekey, environment));
    const signer = verifySignature === undefined ? undefined : await readCertificate(verifySignature);
    const overwrite = flags.force === true;
    return {
      manifest,
      source,
      destination,
      key,
      ...defined({ signer }),
      overwrite,
      settings: runSettings(flags),
    };
  },
  async run({ manifest: path, source, destination: place, key, signer, overwrite, settings }, session) {
    return session.run(settings, async (context) => {
      const manifestSource = folderPlace(dirname(path)).source(basename(path));
      const { manifest } = await readBundleManifest(manifestSource, context, signer);
      const destination = await unbundleDestination(place, manifest, overwrite, session);
      return unbundleTo({ manifest, name: path, parts: folderPlace(source), key, destination }, context);
    });
  },
};
