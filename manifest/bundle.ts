import { type KeyObject, sign } from "node:crypto";
import { ImportError } from "../pipeline/errors.ts";
import { plainFileName } from "./file-name.ts";
import { requireRoot } from "./kind.ts";
import { type PartCollector, partCollector } from "./parts.ts";
import { type XmlElement, type XmlLimits, parseXml } from "./xml.ts";
import {
  attributeOf,
  childOf,
  childrenOf,
  hexOf,
  manifestInvalid,
  present,
  quoted,
  requiredChild,
  requiredInteger,
  requiredText,
  sha1Of,
  textOf,
} from "./xml-fields.ts";
import { xmlWriter } from "./xml-writer.ts";

/** The manifest of an AMI/EMI bundle, as euca2ools and ec2-ami-tools write it. */
export interface BundleManifest {
  /** `2007-10-10`. */
  readonly version: string;
  readonly bundler: { readonly name: string; readonly version: string; readonly release: string };
  readonly machine?: BundleMachine;
  readonly image: BundleImage;
  /** RSA with SHA-1 over the raw machine_configuration and image; absent for `UNSIGNED`. Not verified by parsing. */
  readonly signature?: Uint8Array;
}

export interface BundleMachine {
  readonly architecture?: string;
  readonly blockDeviceMappings: readonly BlockDeviceMapping[];
  readonly productCodes: readonly string[];
  /** An id, or `true` when this bundle is a kernel. */
  readonly kernelId?: string;
  /** An id, or `true` when this bundle is a ramdisk. */
  readonly ramdiskId?: string;
}

/** Such as `ami` on `sda`. */
export interface BlockDeviceMapping {
  readonly virtual: string;
  readonly device: string;
}

export interface BundleImage {
  /** A plain file name: what the unbundled image is called. */
  readonly name: string;
  /** Account number; empty when the manifest names none. */
  readonly user: string;
  readonly type: BundleType;
  readonly kernelName?: string;
  readonly ancestry: readonly string[];
  /** Lower-case SHA-1 of the tar stream before compression, padding included; not of the image. */
  readonly digest?: string;
  /** Of the image. */
  readonly sizeBytes: number;
  /** Of all parts together. */
  readonly bundledSizeBytes: number;
  /** RSA ciphertexts of 32 hexadecimal digits: for the cloud and for the bundle's owner. */
  readonly ec2EncryptedKey?: Uint8Array;
  readonly userEncryptedKey?: Uint8Array;
  readonly ec2EncryptedIv?: Uint8Array;
  readonly userEncryptedIv?: Uint8Array;
  /** In order of their index; at least one. */
  readonly parts: readonly BundlePart[];
}

export type BundleType = "machine" | "kernel" | "ramdisk";

export interface BundlePart {
  readonly index: number;
  /** A plain file name, beside the manifest. */
  readonly fileName: string;
  /** Lower-case SHA-1 of the part as stored. */
  readonly sha1?: string;
}

/** The only cipher of bundles; an attribute of both encrypted keys. */
const CIPHER = "AES-128-CBC";

const xml = xmlWriter("ascii");

/**
 * Reads the manifest of any known writer (euca2ools 1 to 3, ec2-ami-tools, bundle-instance). Names that would leave
 * their folder, parts that are missing or listed twice, and other algorithms than AES-128-CBC and SHA1 are refused.
 * Throws MANIFEST_INVALID, MANIFEST_TOO_LARGE. Source of the elements: euca2ools 3.4 `bundle/manifest.py`.
 */
export function parseBundleManifest(text: Uint8Array, limits?: Partial<XmlLimits>): BundleManifest {
  const parts = partCollector(["manifest", "image", "parts", "part"], parsePart);
  const root = requireRoot(parseXml(text, limits, parts), "bundle");
  const bundler = childOf(root, "bundler");
  const configuration = childOf(root, "machine_configuration");
  const machine = configuration === undefined ? undefined : parseMachine(configuration);
  const signature = textOf(root, "signature");
  return {
    version: textOf(root, "version") ?? "",
    bundler: {
      name: (bundler && textOf(bundler, "name")) ?? "",
      version: (bundler && textOf(bundler, "version")) ?? "",
      release: (bundler && textOf(bundler, "release")) ?? "",
    },
    ...present("machine", machine),
    image: parseImage(requiredChild(root, "image"), machine, parts),
    ...present("signature", signature === "UNSIGNED" ? undefined : hexOf(root, "signature")),
  };
}

function parseMachine(element: XmlElement): BundleMachine {
  const mappings = childOf(element, "block_device_mapping");
  const codes = childOf(element, "product_codes");
  return {
    ...present("architecture", textOf(element, "architecture")),
    blockDeviceMappings: (mappings === undefined ? [] : childrenOf(mappings, "mapping")).map((mapping) => ({
      virtual: requiredText(mapping, "virtual"),
      device: requiredText(mapping, "device"),
    })),
    productCodes: (codes === undefined ? [] : childrenOf(codes, "product_code")).map(({ text }) => text),
    ...present("kernelId", textOf(element, "kernel_id")),
    ...present("ramdiskId", textOf(element, "ramdisk_id")),
  };
}

function parseImage(
  image: XmlElement,
  machine: BundleMachine | undefined,
  parts: PartCollector<BundlePart>,
): BundleImage {
  const ancestry = childOf(image, "ancestry");
  for (const name of ["ec2_encrypted_key", "user_encrypted_key"]) {
    const key = childOf(image, name);
    const algorithm = (key && attributeOf(key, "algorithm")) ?? CIPHER;
    if (algorithm.toUpperCase() !== CIPHER) {
      throw manifestInvalid(
        `the algorithm of "${name}" must be ${CIPHER}: current algorithm is ${quoted(algorithm)}`,
      );
    }
  }
  return {
    name: plainFileName(requiredText(image, "name"), "the image"),
    user: textOf(image, "user") ?? "",
    type: typeOf(textOf(image, "type"), machine),
    ...present("kernelName", textOf(image, "kernel_name")),
    // ec2-ami-tools may put several ids into one element, with commas between.
    ancestry: (ancestry === undefined ? [] : childrenOf(ancestry, "ancestor_ami_id"))
      .flatMap(({ text }) => text.split(","))
      .map((id) => id.trim())
      .filter((id) => id !== ""),
    ...present("digest", sha1Of(image)),
    sizeBytes: requiredInteger(image, "size"),
    bundledSizeBytes: requiredInteger(image, "bundled_size"),
    ...present("ec2EncryptedKey", hexOf(image, "ec2_encrypted_key")),
    ...present("userEncryptedKey", hexOf(image, "user_encrypted_key")),
    ...present("ec2EncryptedIv", hexOf(image, "ec2_encrypted_iv")),
    ...present("userEncryptedIv", hexOf(image, "user_encrypted_iv")),
    parts: distinctFiles(parts.inOrder(image)),
  };
}

function parsePart(part: XmlElement, index: number): BundlePart {
  const fileName = plainFileName(requiredText(part, "filename"), `part ${index}`);
  return { index, fileName, ...present("sha1", sha1Of(part)) };
}

function distinctFiles(parts: readonly BundlePart[]): readonly BundlePart[] {
  const indices = new Map<string, number>();
  for (const { index, fileName } of parts) {
    const other = indices.get(fileName);
    if (other !== undefined) {
      throw manifestInvalid(`the parts ${other} and ${index} are the same file ${quoted(fileName)}`);
    }
    indices.set(fileName, index);
  }
  return parts;
}

/** As the compute service of Eucalyptus decides, but for the file names it also looks at (`ImageManifests`). */
function typeOf(stated: string | undefined, machine: BundleMachine | undefined): BundleType {
  if (stated === "kernel" || stated === "ramdisk" || stated === "machine") return stated;
  if (machine?.kernelId === "true" || machine?.kernelId === "yes") return "kernel";
  if (machine?.ramdiskId === "true" || machine?.ramdiskId === "yes") return "ramdisk";
  return "machine";
}

/**
 * Writes the manifest in the very bytes of euca2ools 3.4 (lxml: ASCII, no white space, no newline at the end), with
 * the elements of ec2-ami-tools (kernel_name, ancestry) where the value has them. Signs with RSA and SHA-1, or writes
 * `UNSIGNED`, which AWS wants in place of nothing. Block device mappings and product codes are for machines only.
 * Throws KEY_INVALID for a key that is not RSA, MANIFEST_INVALID for names that could not be read back.
 */
export function formatBundleManifest(
  manifest: Omit<BundleManifest, "signature">,
  signingKey?: KeyObject,
): Uint8Array {
  if (signingKey !== undefined && signingKey.asymmetricKeyType !== "rsa") {
    throw new ImportError(
      "KEY_INVALID",
      `Cannot sign a bundle with a key of type "${signingKey.asymmetricKeyType}"`,
      {
        remedy: "Give an RSA private key",
      },
    );
  }
  const { machine, image, bundler } = manifest;
  const signed = (machine === undefined ? "" : formatMachine(machine, image.type)) + formatImage(image);
  const signature =
    signingKey === undefined
      ? "UNSIGNED"
      : sign("RSA-SHA1", Buffer.from(signed, "latin1"), signingKey).toString("hex");
  const root = xml.element("manifest", [
    xml.text("version", manifest.version),
    xml.element("bundler", [
      xml.text("name", bundler.name),
      xml.text("version", bundler.version),
      xml.text("release", bundler.release),
    ]),
    signed,
    xml.text("signature", signature),
  ]);
  return Buffer.from(`<?xml version='1.0' encoding='ASCII'?>\n${root}`, "latin1");
}

function formatMachine(machine: BundleMachine, type: BundleType): string {
  const mappings = [...machine.blockDeviceMappings].sort((a, b) => (a.virtual < b.virtual ? -1 : 1));
  return xml.element("machine_configuration", [
    ...optional("architecture", machine.architecture),
    ...(type !== "machine" || mappings.length === 0
      ? []
      : [
          xml.element(
            "block_device_mapping",
            mappings.map(({ virtual, device }) =>
              xml.element("mapping", [xml.text("virtual", virtual), xml.text("device", device)]),
            ),
          ),
        ]),
    ...(type !== "machine" || machine.productCodes.length === 0
      ? []
      : [
          xml.element(
            "product_codes",
            machine.productCodes.map((code) => xml.text("product_code", code)),
          ),
        ]),
    ...optional("kernel_id", machine.kernelId),
    ...optional("ramdisk_id", machine.ramdiskId),
  ]);
}

function formatImage(image: BundleImage): string {
  return xml.element("image", [
    xml.text("name", plainFileName(image.name, "the image")),
    xml.text("user", image.user),
    xml.text("type", image.type),
    ...optional("kernel_name", image.kernelName),
    ...(image.ancestry.length === 0
      ? []
      : [
          xml.element(
            "ancestry",
            image.ancestry.map((id) => xml.text("ancestor_ami_id", id)),
          ),
        ]),
    ...(image.digest === undefined ? [] : [xml.text("digest", image.digest, { algorithm: "SHA1" })]),
    xml.text("size", image.sizeBytes),
    xml.text("bundled_size", image.bundledSizeBytes),
    xml.text("ec2_encrypted_key", hex(image.ec2EncryptedKey), { algorithm: CIPHER }),
    xml.text("user_encrypted_key", hex(image.userEncryptedKey), { algorithm: CIPHER }),
    xml.text("ec2_encrypted_iv", hex(image.ec2EncryptedIv)),
    xml.text("user_encrypted_iv", hex(image.userEncryptedIv)),
    xml.element(
      "parts",
      image.parts.map(({ index, fileName, sha1 }) =>
        xml.element(
          "part",
          [
            xml.text("filename", plainFileName(fileName, `part ${index}`)),
            ...(sha1 === undefined ? [] : [xml.text("digest", sha1, { algorithm: "SHA1" })]),
          ],
          { index },
        ),
      ),
      { count: image.parts.length },
    ),
  ]);
}

function optional(name: string, text: string | undefined): readonly string[] {
  return text === undefined ? [] : [xml.text(name, text)];
}

function hex(bytes: Uint8Array | undefined): string {
  return bytes === undefined
    ? ""
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
