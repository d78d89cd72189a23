import { basename, dirname } from "node:path";
import { type Command, Option } from "commander";
import type { Context } from "../../pipeline/contract.ts";
import { formatBytes } from "../../pipeline/units.ts";
import type { S3Access } from "../../stages/s3-access.ts";
import { type BucketPath, bucketPlace, folderPlace, parseBucketPath } from "../bundle/place.ts";
import { type CannedAcl, CANNED_ACLS, ensureBucket, grant } from "../bundle/bucket.ts";
import { readBundleManifest } from "../bundle/read-manifest.ts";
import { transferBundle } from "../bundle/transfer.ts";
import type { CommandSpec, RunSettings } from "../command.ts";
import { type AccessFlags, addAccessFlags, parseAccess } from "../options/access-flags.ts";
import { addRunFlags, runSettings, type RunFlags } from "../options/run-flags.ts";
import { defined } from "../../pipeline/defined.ts";

interface Flags extends AccessFlags, RunFlags {
  readonly bucket: string;
  readonly manifest: string;
  readonly directory?: string;
  readonly skipmanifest?: boolean;
  readonly acl?: CannedAcl;
  readonly location?: string;
  readonly force?: boolean;
}

interface Options {
  readonly at: BucketPath;
  readonly s3: S3Access;
  readonly manifest: string;
  /** Of the parts. */
  readonly directory: string;
  readonly isManifestSkipped: boolean;
  readonly acl?: CannedAcl;
  /** Where a bucket that is not there is made. */
  readonly location?: string;
  readonly overwrite: boolean;
  readonly settings: RunSettings;
}

/** As euca-upload-bundle: all parts, then the manifest. */
export const uploadBundle: CommandSpec<Flags, Options> = {
  name: "upload-bundle",
  summary: "Put a bundle from a folder into object storage",
  examples: [
    {
      line: "upload-bundle -b images/web -m disk.manifest.xml",
      does: "upload a bundle with its parts beside the manifest",
    },
    {
      line: "upload-bundle -b images -m disk.manifest.xml --acl aws-exec-read -U https://s3.cloud.example",
      does: "let the compute service of a Eucalyptus cloud read it",
    },
  ],
  declare(command: Command) {
    command
      .requiredOption(
        "-b, --bucket <bucket[/prefix]>",
        "bucket to upload to, made if it is not there; and what keys begin with",
      )
      .requiredOption("-m, --manifest <file>", "manifest of the bundle")
      .option("-d, --directory <folder>", "where the parts are (default: beside the manifest)")
      .option("--skipmanifest", "upload the parts only")
      .addOption(
        new Option(
          "--acl <name>",
          "who may read it besides you (default: nobody; euca2ools: aws-exec-read)",
        ).choices(CANNED_ACLS),
      )
      .option("--location <region>", "region of a bucket that has to be made")
      .option("-f, --force", "replace objects that exist")
      .addOption(
        new Option("--retry", "accepted for euca2ools; failed requests are always repeated").hideHelp(),
      );
    addAccessFlags(command);
    addRunFlags(command);
  },
  parse(_args, flags, environment) {
    return {
      at: parseBucketPath(flags.bucket),
      s3: parseAccess(flags, environment).s3,
      manifest: flags.manifest,
      directory: flags.directory ?? dirname(flags.manifest),
      isManifestSkipped: flags.skipmanifest === true,
      ...defined({ acl: flags.acl, location: flags.location }),
      overwrite: flags.force === true,
      settings: runSettings(flags),
    };
  },
  async run(options, session) {
    const {
      at,
      s3,
      manifest: path,
      directory,
      isManifestSkipped,
      acl,
      location,
      overwrite,
      settings,
    } = options;
    return session.run(settings, async (context) => {
      const { text, manifest } = await readBundleManifest(
        folderPlace(dirname(path)).source(basename(path)),
        context,
      );
      await ensureBucket(at.bucket, s3, context, defined({ location }));
      const to = bucketPlace(at, s3);
      const fileName = basename(path);
      const transfer = {
        manifest,
        from: folderPlace(directory),
        to,
        overwrite,
        ...(isManifestSkipped ? {} : { document: { fileName, text } }),
        ...(acl === undefined
          ? {}
          : {
              onStored: (name: string, context: Context) =>
                grant(acl, { bucket: at.bucket, key: at.prefix + name }, s3, context),
            }),
      };
      const files = await transferBundle(transfer, context);
      const count = `${manifest.image.parts.length} parts, ${formatBytes(manifest.image.bundledSizeBytes)}`;
      return {
        value: { ...(isManifestSkipped ? {} : { manifest: to.nameOf(fileName) }), files },
        // What registering the image wants to be told, as euca2ools prints it.
        text: isManifestSkipped ? count : `Uploaded  ${at.bucket}/${at.prefix}${fileName}\n${count}`,
      };
    });
  },
};
