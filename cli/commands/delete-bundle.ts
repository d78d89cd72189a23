import type { Command } from "commander";
import { SIGNATURE_SUFFIX } from "../../manifest/result-signature.ts";
import type { Context } from "../../pipeline/contract.ts";
import { defined } from "../../pipeline/defined.ts";
import { ImportError } from "../../pipeline/errors.ts";
import type { S3Access } from "../../stages/s3-access.ts";
import { listS3Keys } from "../../stages/s3-objects.ts";
import { RESULT_MANIFEST_SUFFIX } from "../../worker/target.ts";
import { removeBucket } from "../bundle/bucket.ts";
import { readBundleManifest } from "../bundle/read-manifest.ts";
import type { CommandSpec, RunSettings } from "../command.ts";
import { type AccessFlags, addAccessFlags, parseAccess } from "../options/access-flags.ts";
import {
  addStoredBundleFlags,
  parseStoredBundle,
  type StoredBundle,
  type StoredBundleFlags,
} from "../options/bundle-flags.ts";
import { addRunFlags, runSettings, type RunFlags } from "../options/run-flags.ts";

interface Flags extends StoredBundleFlags, AccessFlags, RunFlags {
  readonly clear?: boolean;
  readonly dryRun?: boolean;
}

interface Options {
  readonly bundle: StoredBundle;
  readonly s3: S3Access;
  /** Whether the bucket is removed as well. */
  readonly isCleared: boolean;
  readonly isDryRun: boolean;
  readonly settings: RunSettings;
}

/** As euca-delete-bundle: what the manifest lists, and the manifest; and what `convert` wrote beside that. */
export const deleteBundle: CommandSpec<Flags, Options> = {
  name: "delete-bundle",
  summary: "Delete a bundle from object storage",
  examples: [
    { line: "delete-bundle -b images/web -p disk.img --dry-run", does: "show what would be deleted" },
    { line: "delete-bundle -b images/web -p disk.img", does: "delete a bundle" },
    {
      line: "delete-bundle -b images -m disk.manifest.xml --clear",
      does: "and the bucket, if nothing else is in it",
    },
  ],
  declare(command: Command) {
    addStoredBundleFlags(command);
    command
      .option("--clear", "delete the bucket as well")
      .option("--dry-run", "only show what would be deleted");
    addAccessFlags(command);
    addRunFlags(command);
  },
  parse(_args, flags, environment) {
    const { s3 } = parseAccess(flags, environment);
    return {
      bundle: parseStoredBundle(flags, s3),
      s3,
      isCleared: flags.clear === true,
      isDryRun: flags.dryRun === true,
      settings: runSettings(flags),
    };
  },
  async run({ bundle, s3, isCleared, isDryRun, settings }, session) {
    const { at, parts, manifestPlace, manifestFile, isManifestStored } = bundle;
    return session.run(settings, async (context) => {
      const { manifest } = await readBundleManifest(manifestPlace.source(manifestFile), context);
      const partNames = manifest.image.parts.map(({ fileName }) => fileName);
      const manifestNames = isManifestStored ? [...(await proofs(bundle, s3, context)), manifestFile] : [];
      const objects = [...partNames, ...manifestNames].map((name) => parts.nameOf(name));
      const bucket = isCleared ? `s3://${at.bucket}` : undefined;
      if (!isDryRun) {
        // The manifest last: without it nobody could tell any more which parts are left.
        await parts.remove(partNames, context);
        await parts.remove(manifestNames, context);
        if (isCleared) await removeBucket(at.bucket, s3, context);
      }
      const verb = isDryRun ? "would delete" : "deleted";
      const lines = [...objects, ...(bucket === undefined ? [] : [bucket])].map((name) => `${verb} ${name}`);
      return { value: { objects, ...defined({ bucket }), deleted: !isDryRun }, text: lines.join("\n") };
    });
  },
};

/** The result manifest of the bundle and its signature: those that are there, or both where nobody may look. */
async function proofs({ at, manifestFile }: StoredBundle, s3: S3Access, context: Context): Promise<string[]> {
  const proof = manifestFile + RESULT_MANIFEST_SUFFIX;
  const both = [proof, proof + SIGNATURE_SUFFIX];
  const found: string[] = [];
  try {
    for await (const key of listS3Keys(s3, at.bucket, at.prefix + proof, context)) {
      found.push(key.slice(at.prefix.length));
    }
  } catch (error) {
    if (error instanceof ImportError && error.code === "SOURCE_FORBIDDEN") return both;
    throw error;
  }
  return both.filter((fileName) => found.includes(fileName));
}
