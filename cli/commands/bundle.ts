import { mkdir } from "node:fs/promises";
import type { Command } from "commander";
import { Option } from "commander";
import { isPlainFileName } from "../../manifest/file-name.ts";
import type { Destination } from "../../pipeline/contract.ts";
import { defined } from "../../pipeline/defined.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { formatBytes } from "../../pipeline/units.ts";
import { bundleDestination } from "../../stages/destinations/bundle.ts";
import { folderParts } from "../../stages/destinations/folder-parts.ts";
import { s3Parts } from "../../stages/destinations/s3-parts.ts";
import { writing } from "../../stages/destinations/write-error.ts";
import { planConversion, runConversion } from "../../worker/conversion.ts";
import { type Location, locationBaseName } from "../../worker/location.ts";
import { resolveSource, type SourceOptions } from "../../worker/resolve-source.ts";
import type { Target } from "../../worker/target.ts";
import { type CannedAcl, CANNED_ACLS, ensureBucket, granting } from "../bundle/bucket.ts";
import { type BucketPath, parseBucketPath } from "../bundle/place.ts";
import type { CommandSpec, WithAccess } from "../command.ts";
import { type AccessFlags, addAccessFlags, parseAccess } from "../options/access-flags.ts";
import {
  addBundleImageFlags,
  type BundleContent,
  type BundleImageFlags,
  parseBundleImage,
} from "../options/bundle-image-flags.ts";
import { addRunFlags, runSettings, type RunFlags } from "../options/run-flags.ts";
import { formatValue, locationValue, sizeValue } from "../options/values.ts";
import type { DiskFormat } from "../../pipeline/disk-format.ts";
import { factsText } from "../table.ts";

interface Flags extends BundleImageFlags, AccessFlags, RunFlags {
  readonly image: Location;
  readonly prefix?: string;
  readonly destination: string;
  readonly bucket?: string;
  readonly acl?: CannedAcl;
  readonly from?: DiskFormat;
  readonly imageSize?: number;
  readonly force?: boolean;
}

interface Options extends WithAccess {
  readonly image: Location;
  readonly source: SourceOptions;
  /** Base name of parts and manifest, and name of the image when it is unpacked. */
  readonly prefix: string;
  /** Where the bundle goes: into a folder, unless a bucket is named. */
  readonly folder: string;
  readonly bucket?: BucketPath;
  readonly acl?: CannedAcl;
  readonly content: BundleContent;
  /** Of an image that comes through a pipe. */
  readonly imageBytes?: number;
  readonly overwrite: boolean;
}

/** As euca-bundle-image, and with a bucket as euca-bundle-and-upload-image, without a copy in between. */
export const bundle: CommandSpec<Flags, Options> = {
  name: "bundle",
  summary: "Make an encrypted bundle of an image, in a folder or in object storage",
  examples: [
    {
      line: "bundle -i disk.img -r x86_64 -u 000123456789 -c user-cert.pem -k user-key.pem --ec2cert cloud-cert.pem",
      does: "bundle for the owner and for a cloud, signed by the owner",
    },
    {
      line: "bundle -i disk.qcow2 -p web -r x86_64 -u 000123456789 -c user-cert.pem -b images/web",
      does: "into object storage at once",
    },
    {
      line: "bundle -i - --image-size 10g -p web -r x86_64 -u 000123456789 -c user-cert.pem < /dev/vg0/web",
      does: "from a pipe",
    },
  ],
  declare(command: Command) {
    command
      .requiredOption(
        "-i, --image <image>",
        "image to bundle, in any format and from anywhere; - for standard input",
        locationValue,
      )
      .option("-p, --prefix <name>", "name of the bundle and of the image in it (default: name of the image)")
      .option("-d, --destination <folder>", "where the bundle goes", ".")
      .option("-b, --bucket <bucket[/prefix]>", "put the bundle there instead of into a folder")
      .addOption(new Option("--acl <name>", "who may read it in the bucket besides you").choices(CANNED_ACLS))
      .option("--from <format>", "disk format of the image (default: found by its content)", formatValue)
      .option("--image-size <size>", "size of an image that comes through standard input", sizeValue)
      .option("-f, --force", "replace a bundle of this name");
    addBundleImageFlags(command);
    addAccessFlags(command);
    addRunFlags(command);
  },
  async parse(_args, flags, environment) {
    const { image, imageSize, bucket, acl, from } = flags;
    if (image.kind === "pipe" && imageSize === undefined) {
      throw new ImportError("ARGUMENT_INVALID", "Cannot bundle standard input as its size is not known", {
        remedy: "Give it with --image-size",
      });
    }
    return {
      image,
      source: defined({ from }),
      prefix: parsePrefix(flags.prefix ?? locationBaseName(image)),
      folder: flags.destination,
      ...defined({
        bucket: bucket === undefined ? undefined : parseBucketPath(bucket),
        acl,
        imageBytes: imageSize,
      }),
      content: await parseBundleImage(flags, environment),
      overwrite: flags.force === true,
      access: parseAccess(flags, environment),
      settings: runSettings(flags),
    };
  },
  async run(options, session) {
    const { access, settings, bucket, folder, overwrite, acl, prefix, content, imageBytes } = options;
    const tool = { name: "diskferry", version: session.environment.version };
    return session.run(settings, async (context) => {
      await using source = await resolveSource(options.image, options.source, access, context);
      if (bucket === undefined) await writing(folder, () => mkdir(folder, { recursive: true }));
      else await ensureBucket(bucket.bucket, access.s3, context);
      const store =
        bucket === undefined
          ? folderParts(folder, { overwrite })
          : granting(acl, bucket, access.s3, s3Parts(bucket, access.s3, { overwrite }));
      const destination = bundleDestination({
        ...content,
        store,
        prefix,
        bundler: { ...tool, release: "0" },
      });
      const target: Target = {
        name: destination.name,
        kind: "bundle",
        format: { format: "raw" },
        destination: imageBytes === undefined ? destination : sized(destination, imageBytes),
      };
      const { receipt, manifest } = await runConversion(
        await planConversion(source, target, context),
        { tool },
        context,
      );
      const { diskDigest, result } = manifest;
      const size = `${formatBytes(result.virtualSizeBytes)} (${result.virtualSizeBytes} bytes)`;
      return {
        value: {
          manifest: receipt.name,
          bundledSizeBytes: receipt.sizeBytes,
          sizeBytes: result.virtualSizeBytes,
          diskDigest,
        },
        text: factsText([
          ["bundle", receipt.name],
          ["image", size],
          ["bundled", `${formatBytes(receipt.sizeBytes)} (${receipt.sizeBytes} bytes)`],
          ["disk digest", `${diskDigest.algorithm}:${diskDigest.value}`],
          ["signed", content.signingKey === undefined ? "no" : "yes"],
        ]),
      };
    });
  },
};

function parsePrefix(prefix: string): string {
  if (isPlainFileName(prefix)) return prefix;
  throw new ImportError("ARGUMENT_INVALID", `Cannot name a bundle "${prefix}": a plain file name is wanted`, {
    remedy: "Give one with --prefix",
  });
}

/** The same destination for a source that does not know its size itself. */
function sized(destination: Destination, sizeBytes: number): Destination {
  return { name: destination.name, open: (context) => destination.open(context, { sizeBytes }) };
}
