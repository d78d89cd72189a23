import type { XmlElement } from "./xml.ts";
import { childOf, manifestInvalid, quoted, textOf } from "./xml-fields.ts";

/** Three unrelated documents that are all called manifest and all have the root element `manifest`. */
export type ManifestKind = "bundle" | "import" | "download";

/** The `version` that all writers of a kind have always written. */
const VERSIONS: Readonly<Record<string, ManifestKind>> = {
  "2007-10-10": "bundle",
  "2010-11-15": "import",
  "2014-01-14": "download",
};

/** Bytes that {@link detectManifest} looks at; the version stands in the first two hundred. */
export const MANIFEST_HEAD_BYTES = 4096;

/** What kind of manifest a file is by its first {@link MANIFEST_HEAD_BYTES} bytes; undefined for anything else. */
export function detectManifest(head: Uint8Array): ManifestKind | undefined {
  const text = Buffer.from(head.subarray(0, MANIFEST_HEAD_BYTES)).toString("latin1");
  const match = /^(?:\u00ef\u00bb\u00bf)?\s*<[^]*?<version>\s*([\d-]+)\s*<\/version>/.exec(text);
  return /<manifest[\s>]/.test(text) ? VERSIONS[match?.[1] ?? ""] : undefined;
}

/** The root, when it looks like the manifest of `kind`; throws MANIFEST_INVALID saying what it is instead. */
export function requireRoot(root: XmlElement, kind: ManifestKind): XmlElement {
  if (root.name === "Error") {
    const code = textOf(root, "Code") ?? "no code";
    throw manifestInvalid(`it is an error of the object store in its place: ${quoted(code)}`);
  }
  if (root.name !== "manifest") {
    throw manifestInvalid(`its root must be "manifest": current root is ${quoted(root.name)}`);
  }
  const found = kindOf(root);
  if (found !== undefined && found !== kind) {
    throw manifestInvalid(`it must be of a ${kind}: current kind is ${found}`);
  }
  return root;
}

/** By its elements, which say more than the version. */
function kindOf(root: XmlElement): ManifestKind | undefined {
  if (childOf(root, "import") !== undefined) return "import";
  if (childOf(root, "file-format") !== undefined) return "download";
  return childOf(root, "image") === undefined ? undefined : "bundle";
}
