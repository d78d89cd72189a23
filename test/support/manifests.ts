import { readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "..", "..", "fixtures", "manifests");

export type ManifestSample =
  | "bundle-ec2-ami-tools"
  | "bundle-euca2ools-2"
  | "bundle-euca2ools-3"
  | "download-bundle"
  | "download-raw"
  | "import-aws-tools"
  | "import-euca2ools";

/** The text of a manifest of `fixtures/manifests`. */
export function manifestSample(name: ManifestSample): string {
  return readFileSync(join(FOLDER, `${name}.xml`), "utf8");
}

/** `text` in UTF-8 with every `[found, replacement]` carried out; throws when there is nothing to replace. */
export function edited(
  text: string,
  ...edits: readonly (readonly [found: string | RegExp, replacement: string])[]
): Buffer {
  let result = text;
  for (const [found, replacement] of edits) {
    const next = result.replace(found, () => replacement);
    if (next === result) throw new Error(`Nothing to replace by "${replacement}"`);
    result = next;
  }
  return Buffer.from(result);
}

/** How often a property is tried, from the environment; properties of whole manifests default to `fallback`. */
export function propertyRuns(fallback: number): number {
  const stated = process.env.PROPERTY_RUNS;
  return stated === undefined || stated === "" ? fallback : Number(stated);
}
