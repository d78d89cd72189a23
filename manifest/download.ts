import { type KeyObject, sign } from "node:crypto";
import { ImportError } from "../pipeline/errors.ts";
import { requireRoot } from "./kind.ts";
import { partCollector } from "./parts.ts";
import { type XmlElement, type XmlLimits, parseXml } from "./xml.ts";
import {
  attributeOf,
  childOf,
  manifestInvalid,
  parseHex,
  present,
  quoted,
  requiredChild,
  requiredInteger,
  requiredText,
  requiredUrl,
  sha1Of,
  textOf,
} from "./xml-fields.ts";
import { xmlWriter } from "./xml-writer.ts";

/** What a cloud controller hands to a node or an imaging worker (Eucalyptus 4): signed URLs of parts, in order. */
export interface DownloadManifest {
  readonly content: DownloadContent;
  /** Sum of the parts for a bundle; for an import what the import manifest called its size. */
  readonly sizeBytes: number;
  /** In order of their index; at least one. */
  readonly parts: readonly DownloadPart[];
  /** RSA with SHA-256 by the cloud's key; absent when there is none. Not verified by parsing. */
  readonly signature?: Uint8Array;
}

export type DownloadContent =
  /** The parts joined are the disk as it was uploaded, whatever its format. */
  | { readonly fileFormat: "RAW" }
  /** The parts joined are a bundle: decrypt, inflate, untar. */
  | {
      readonly fileFormat: "BUNDLE";
      /** RSA ciphertexts of 32 hexadecimal digits for the one who may read this manifest. */
      readonly encryptedKey: Uint8Array;
      readonly encryptedIv: Uint8Array;
      /** Of the image. */
      readonly unbundledSizeBytes: number;
    };

export interface DownloadPart {
  readonly index: number;
  /** Signed for GET: a secret. */
  readonly getUrl: string;
  /** Lower-case; absent for imports and before Eucalyptus 4.2. */
  readonly sha1?: string;
}

/** The one algorithm of the signature, and the text of its attribute. */
const ALGORITHM = "RSA-SHA256";

/**
 * Reads a download manifest. Its signature is checked by `verifyDownloadSignature`; one that names another algorithm
 * than RSA-SHA256 is refused here. Throws MANIFEST_INVALID, MANIFEST_TOO_LARGE.
 * Source: Eucalyptus 4.4 `DownloadManifestFactory`.
 */
export function parseDownloadManifest(text: Uint8Array, limits?: Partial<XmlLimits>): DownloadManifest {
  const parts = partCollector(["manifest", "image", "parts", "part"], parsePart);
  const root = requireRoot(parseXml(text, limits, parts), "download");
  const image = requiredChild(root, "image");
  const signature = childOf(root, "signature");
  const algorithm = (signature && attributeOf(signature, "algorithm")) ?? ALGORITHM;
  if (algorithm !== ALGORITHM) {
    throw manifestInvalid(`its signature must be of ${ALGORITHM}: current algorithm is ${quoted(algorithm)}`);
  }
  const digits = textOf(root, "signature");
  return {
    content: parseContent(root),
    sizeBytes: requiredInteger(image, "size"),
    parts: parts.inOrder(image),
    ...present("signature", digits === undefined ? undefined : parseHex(digits, `"signature"`)),
  };
}

function parsePart(part: XmlElement, index: number): DownloadPart {
  return { index, getUrl: requiredUrl(part, "get-url"), ...present("sha1", sha1Of(part)) };
}

function parseContent(root: XmlElement): DownloadContent {
  const fileFormat = requiredText(root, "file-format");
  if (fileFormat === "RAW") return { fileFormat };
  if (fileFormat !== "BUNDLE") {
    throw manifestInvalid(`"file-format" must be RAW or BUNDLE: current value is ${quoted(fileFormat)}`);
  }
  const bundle = requiredChild(root, "bundle");
  return {
    fileFormat,
    encryptedKey: parseHex(requiredText(bundle, "encrypted-key"), `"encrypted-key"`),
    encryptedIv: parseHex(requiredText(bundle, "encrypted-iv"), `"encrypted-iv"`),
    unbundledSizeBytes: requiredInteger(bundle, "unbundled-size"),
  };
}

const xml = xmlWriter("utf-8");

/**
 * Writes and signs a download manifest in the bytes of the JDK's serializer: one line, UTF-8, no "count".
 * Throws KEY_INVALID for a key that is not RSA.
 */
export function formatDownloadManifest(
  manifest: Omit<DownloadManifest, "signature">,
  signingKey: KeyObject,
): Uint8Array {
  if (signingKey.asymmetricKeyType !== "rsa") {
    throw new ImportError(
      "KEY_INVALID",
      `Cannot sign a download manifest with a key of type "${signingKey.asymmetricKeyType}"`,
      { remedy: "Give an RSA private key" },
    );
  }
  const signed = formatSigned(manifest);
  const signature = sign(ALGORITHM, Buffer.from(signed), signingKey).toString("hex");
  const root = xml.element("manifest", [signed, xml.text("signature", signature, { algorithm: ALGORITHM })]);
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8" standalone="no"?>${root}`);
}

function formatSigned({ content, sizeBytes, parts }: Omit<DownloadManifest, "signature">): string {
  const head = xml.text("version", "2014-01-14") + xml.text("file-format", content.fileFormat);
  const bundle = content.fileFormat === "BUNDLE" ? formatBundle(content) : "";
  const image = xml.element("image", [
    xml.text("size", sizeBytes),
    xml.element(
      "parts",
      parts.map(({ index, getUrl, sha1 }) =>
        xml.element(
          "part",
          [
            xml.text("get-url", getUrl),
            ...(sha1 === undefined ? [] : [xml.text("digest", sha1, { algorithm: "SHA1" })]),
          ],
          { index },
        ),
      ),
    ),
  ]);
  return head + bundle + image;
}

function formatBundle(content: Extract<DownloadContent, { fileFormat: "BUNDLE" }>): string {
  return xml.element("bundle", [
    xml.text("encrypted-key", Buffer.from(content.encryptedKey).toString("hex")),
    xml.text("encrypted-iv", Buffer.from(content.encryptedIv).toString("hex")),
    xml.text("unbundled-size", content.unbundledSizeBytes),
  ]);
}
