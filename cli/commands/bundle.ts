import { mkdir } from "node:fs/promises";
import type { Command } from "commander";
import { Option } from "commander";
import { isPlainFileName } from "../../manifest/file-name.ts";
import { defined } from "../../pipeline/defined.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { formatExactBytes } from "../../pipeline/units.ts";
import { writing } from "../../stages/destinations/write-error.ts";
import { planConversion, runConversion } from "../../worker/conversion.ts";
import { type Location, locationBaseName } from "../../worker/location.ts";
import { resolveSource, type SourceOptions } from "../../worker/resolve-source.ts";
import { type CannedAcl, CANNED_ACLS, ensureBucket } from "../bundle/bucket.ts";
import { bundleTarget, type NewBundle } from "../bundle/bundle-target.ts";
import { parseBucketPath } from "../bundle/place.ts";
import type { CommandSpec, WithAccess } from "../command.ts";
import { type AccessFlags, addAccessFlags, parseAccess } from "../options/access-flags.ts";
import {
  addBundleImageFlags,
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
  readonly bundle: NewBundle;
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
      bundle: {
        site: bucket === undefined ? { folder: flags.destination } : parseBucketPath(bucket),
        prefix: parsePrefix(flags.prefix ?? locationBaseName(image)),
        content: await parseBundleImage(flags, environment),
        overwrite: flags.force === true,
        ...defined({ acl, imageBytes: imageSize }),
      },
      access: parseAccess(flags, environment),
      settings: runSettings(flags),
    };
  },
  async run({ image, source: options, bundle, access, settings }, session) {
    const { version } = session.environment;
    const { site, content } = bundle;
    return session.run(settings, async (context) => {
      await using source = await resolveSource(image, options, access, context);
      if ("folder" in site) await writing(site.folder, () => mkdir(site.folder, { recursive: true }));
      else await ensureBucket(site.bucket, access.s3, context);
      // Nothing but the bundle, as euca2ools leaves it: whoever wants a result manifest converts.
      const { beside: _beside, ...target } = bundleTarget(bundle, version, access);
      const planned = await planConversion(source, target, context);
      const tool = { name: "diskferry", version };
      const { receipt, manifest } = await runConversion(planned, { tool }, context);
      const { diskDigest, result } = manifest;
      const size = formatExactBytes(result.virtualSizeBytes);
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
          ["bundled", formatExactBytes(receipt.sizeBytes)],
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
