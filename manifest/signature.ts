import { type X509Certificate, constants, verify } from "node:crypto";
import { ImportError } from "../pipeline/errors.ts";

/** What a kind of manifest signs: whole elements, one after the other, as the bytes stand in the file. */
interface SignedForm {
  readonly what: string;
  readonly elements: readonly { readonly name: string; readonly optional?: true }[];
  readonly algorithm: "RSA-SHA1" | "RSA-SHA256";
}

/** Source: `BundleManifest.sign` of ec2-ami-tools and euca2ools; an image without a machine configuration stands alone. */
const BUNDLE: SignedForm = {
  what: "bundle manifest",
  elements: [{ name: "machine_configuration", optional: true }, { name: "image" }],
  algorithm: "RSA-SHA1",
};

/** Source: `DownloadManifestFactory` of Eucalyptus 4. */
const DOWNLOAD: SignedForm = {
  what: "download manifest",
  elements: [
    { name: "version" },
    { name: "file-format" },
    { name: "bundle", optional: true },
    { name: "image" },
  ],
  algorithm: "RSA-SHA256",
};

/**
 * Checks the signature of a bundle manifest against the bundler's certificate: RSA PKCS#1 v1.5 with SHA-1, in full and
 * whatever algorithm the text names. What is signed is also what {@link parseBundleManifest} reads, as every signed
 * element must be there once. Throws SIGNATURE_INVALID, also for `UNSIGNED`. The certificate's dates and issuer are
 * the caller's affair.
 */
export function verifyBundleSignature(text: Uint8Array, certificate: X509Certificate): void {
  verifyForm(BUNDLE, text, certificate);
}

/** As {@link verifyBundleSignature}, for a download manifest and the cloud's certificate, with SHA-256. */
export function verifyDownloadSignature(text: Uint8Array, certificate: X509Certificate): void {
  verifyForm(DOWNLOAD, text, certificate);
}

/** The bytes a bundle manifest signs. Throws SIGNATURE_INVALID when they cannot be told for sure. */
export function bundleSignedRegion(text: Uint8Array): Uint8Array {
  return signedRegion(BUNDLE, bufferOf(text));
}

/** The bytes a download manifest signs. Throws SIGNATURE_INVALID when they cannot be told for sure. */
export function downloadSignedRegion(text: Uint8Array): Uint8Array {
  return signedRegion(DOWNLOAD, bufferOf(text));
}

function verifyForm(form: SignedForm, text: Uint8Array, certificate: X509Certificate): void {
  const bytes = bufferOf(text);
  const signature = signatureOf(form, bytes);
  const region = signedRegion(form, bytes);
  const key = certificate.publicKey;
  if (key.asymmetricKeyType !== "rsa") {
    throw refused(form, `the certificate must hold an RSA key: current type is "${key.asymmetricKeyType}"`);
  }
  if (!verify(form.algorithm, region, { key, padding: constants.RSA_PKCS1_PADDING }, signature)) {
    throw refused(form, "it does not fit its content and this certificate");
  }
}

function signatureOf(form: SignedForm, text: Buffer): Buffer {
  const element = elementIn(form, text, "signature", /^<signature(?:\s[^<>]*)?>$/);
  const digits =
    element
      ?.toString("latin1")
      .replaceAll(/<[^>]*>/g, "")
      .trim() ?? "";
  if (digits === "" || digits === "UNSIGNED" || element === undefined) {
    throw refused(form, "it is not signed", "Ask for a signed bundle, or go on without --verify-signature");
  }
  if (!/^(?:[0-9a-f]{2})+$/i.test(digits)) throw refused(form, "it is not in hexadecimal digits");
  return Buffer.from(digits, "hex");
}

function signedRegion(form: SignedForm, text: Buffer): Uint8Array {
  const pieces: Buffer[] = [];
  for (const { name, optional } of form.elements) {
    const piece = elementIn(form, text, name, new RegExp(`^<${name}>$`));
    if (piece !== undefined) pieces.push(piece);
    else if (optional !== true) throw refused(form, `it holds no "${name}"`);
  }
  return Buffer.concat(pieces);
}

/**
 * The raw bytes of the one element of that name, tags included. Historic verifiers took the first start tag and the
 * first (or last) end tag wherever they stood. An attacker could then leave the signed element in a comment and add
 * another for the reader; so here a name that occurs twice in any form, comments included, is refused. The start tag
 * must be the bare one that signers write, lest a reader see an element that was not cut.
 */
function elementIn(form: SignedForm, text: Buffer, name: string, startTag: RegExp): Buffer | undefined {
  const starts = tagsIn(form, text, `<${name}`);
  const ends = tagsIn(form, text, `</${name}`);
  const [start] = starts;
  const [end] = ends;
  if (start === undefined && end === undefined) return undefined;
  if (start === undefined || end === undefined || starts.length > 1 || ends.length > 1 || start.at > end.at) {
    throw refused(
      form,
      `"${name}" must be there once: current number of tags is ${starts.length + ends.length}`,
    );
  }
  if (!startTag.test(start.tag) || end.tag !== `</${name}>`) {
    throw refused(form, `the tags of "${name}" must be as signers write them`);
  }
  return text.subarray(start.at, end.at + end.tag.length);
}

/** Longest tag looked at; signed tags have at most one attribute. */
const MAX_TAG_BYTES = 256;

/** What follows the name in a tag. */
const AFTER_NAME: ReadonlySet<number | undefined> = new Set(Buffer.from(" \t\r\n/>"));

/** Tags that only start alike, such as `<image_id>`; far more than any manifest has, and soon looked through. */
const MAX_ALIKE_COUNT = 1000;

/** Up to two places where `prefix` starts a tag of exactly that name. */
function tagsIn(
  form: SignedForm,
  text: Buffer,
  prefix: string,
): { readonly at: number; readonly tag: string }[] {
  const found: { readonly at: number; readonly tag: string }[] = [];
  let alikeCount = 0;
  for (let at = text.indexOf(prefix); at !== -1 && found.length < 2; at = text.indexOf(prefix, at + 1)) {
    if (!AFTER_NAME.has(text[at + prefix.length])) {
      alikeCount++;
      if (alikeCount > MAX_ALIKE_COUNT)
        throw refused(form, `it holds too many tags that start with "${prefix}"`);
      continue;
    }
    found.push({ at, tag: /^[^>]*>?/.exec(text.toString("latin1", at, at + MAX_TAG_BYTES))?.[0] ?? "" });
  }
  return found;
}

function bufferOf(text: Uint8Array): Buffer {
  return Buffer.from(text.buffer, text.byteOffset, text.byteLength);
}

function refused(form: SignedForm, why: string, remedy?: string): ImportError {
  return new ImportError("SIGNATURE_INVALID", `Cannot accept the signature of the ${form.what} as ${why}`, {
    remedy: remedy ?? "Do not use this image before its owner has confirmed the certificate and the manifest",
  });
}
