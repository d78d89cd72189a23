import { mkdir } from "node:fs/promises";
import type { Command } from "commander";
import type { BundleManifest } from "../../manifest/bundle.ts";
import type { Bytes, Context } from "../../pipeline/contract.ts";
import { metered, meteredSink } from "../../pipeline/progress.ts";
import { formatBytes } from "../../pipeline/units.ts";
import { streamDestination } from "../../stages/destinations/stream.ts";
import { writing } from "../../stages/destinations/write-error.ts";
import { type BundlePlace, folderPlace } from "../bundle/place.ts";
import { readBundleManifest } from "../bundle/read-manifest.ts";
import { expectTotal, partBytes, transferBundle } from "../bundle/transfer.ts";
import type { CommandSpec, RunSettings, Session } from "../command.ts";
import { type AccessFlags, addAccessFlags, parseAccess } from "../options/access-flags.ts";
import {
  addStoredBundleFlags,
  parseStoredBundle,
  type StoredBundle,
  type StoredBundleFlags,
} from "../options/bundle-flags.ts";
import { addRunFlags, runSettings, type RunFlags } from "../options/run-flags.ts";
import type { Outcome } from "../output.ts";
import { takeStandardOutput } from "../standard-output.ts";

interface Flags extends StoredBundleFlags, AccessFlags, RunFlags {
  readonly directory: string;
  readonly force?: boolean;
}

interface Options {
  readonly bundle: StoredBundle;
  readonly directory: string;
  readonly overwrite: boolean;
  readonly settings: RunSettings;
}

/** As euca-download-bundle: parts and manifest as they are, each part checked. */
export const downloadBundle: CommandSpec<Flags, Options> = {
  name: "download-bundle",
  summary: "Fetch the parts and the manifest of a bundle from object storage",
  examples: [
    { line: "download-bundle -b images/web -p disk.img -d bundle", does: "fetch a bundle into a folder" },
    {
      line: "download-bundle -b images -m disk.manifest.xml -d - > disk.tar.gz.aes",
      does: "all parts as one stream",
    },
  ],
  declare(command: Command) {
    addStoredBundleFlags(command);
    command
      .option("-d, --directory <folder>", "where parts and manifest go, or - for standard output", ".")
      .option("-f, --force", "replace files that exist");
    addAccessFlags(command);
    addRunFlags(command);
  },
  parse(_args, flags, environment) {
    return {
      bundle: parseStoredBundle(flags, parseAccess(flags, environment).s3),
      directory: flags.directory,
      overwrite: flags.force === true,
      settings: runSettings(flags),
    };
  },
  async run({ bundle, directory, overwrite, settings }, session) {
    const { parts, manifestPlace, manifestFile } = bundle;
    return session.run(settings, async (context) => {
      const { text, manifest } = await readBundleManifest(manifestPlace.source(manifestFile), context);
      if (directory === "-") return toStandardOutput(manifest, parts, session, context);
      await writing(directory, () => mkdir(directory, { recursive: true }));
      const to = folderPlace(directory);
      const document = { fileName: manifestFile.slice(manifestFile.lastIndexOf("/") + 1), text };
      const files = await transferBundle({ manifest, document, from: parts, to, overwrite }, context);
      return {
        value: { manifest: to.nameOf(document.fileName), files },
        text: `"${to.nameOf(document.fileName)}" and ${manifest.image.parts.length} parts, ${formatBytes(manifest.image.bundledSizeBytes)}`,
      };
    });
  },
};

async function toStandardOutput(
  manifest: BundleManifest,
  parts: BundlePlace,
  session: Session,
  context: Context,
): Promise<Outcome> {
  takeStandardOutput(session);
  const { bundledSizeBytes } = manifest.image;
  async function* all(): Bytes {
    let doneBytes = 0;
    for (const part of manifest.image.parts) {
      for await (const chunk of partBytes(part, parts.source(part.fileName), context)) {
        doneBytes += chunk.byteLength;
        yield chunk;
      }
    }
    expectTotal(manifest, doneBytes, parts);
  }
  await using draft = await streamDestination(session.environment.output.stream, "-").open(context, {
    sizeBytes: bundledSizeBytes,
  });
  const read = metered("read", all(), context, { totalBytes: bundledSizeBytes });
  await meteredSink("write", read, context, (bytes) => draft.write(bytes));
  return {
    value: await draft.commit(),
    text: `${formatBytes(bundledSizeBytes)} in ${manifest.image.parts.length} parts`,
  };
}
