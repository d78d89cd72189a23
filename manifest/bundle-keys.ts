import type { KeyObject } from "node:crypto";
import { ImportError } from "../pipeline/errors.ts";
import type { BundleImage } from "./bundle.ts";
import { decryptPkcs1, encryptPkcs1 } from "./pkcs1.ts";

/** What opens the parts of a bundle: an AES-128 key and the initialization vector of its first part, 16 bytes each. */
export interface BundleKeys {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
}

/** Bytes of both the key and the initialization vector. */
export const BUNDLE_KEY_BYTES = 16;

/**
 * Opens the key and the initialization vector of a bundle with the private key of its owner or of the cloud: for each
 * of the two, `user_*` first and `ec2_*` next, as euca2ools does.
 * Throws KEY_MISMATCH when neither opens, KEY_INVALID for a key that is not RSA, MANIFEST_INVALID when there is
 * nothing to open.
 */
export function unwrapBundleKeys(image: BundleImage, privateKey: KeyObject): BundleKeys {
  return {
    key: unwrapFirst("encrypted key", [image.userEncryptedKey, image.ec2EncryptedKey], privateKey),
    iv: unwrapFirst(
      "encrypted initialization vector",
      [image.userEncryptedIv, image.ec2EncryptedIv],
      privateKey,
    ),
  };
}

/** As {@link unwrapBundleKeys}, for a download manifest, which is made for one recipient. */
export function unwrapDownloadKeys(
  bundle: { readonly encryptedKey: Uint8Array; readonly encryptedIv: Uint8Array },
  privateKey: KeyObject,
): BundleKeys {
  return {
    key: unwrapFirst("encrypted key", [bundle.encryptedKey], privateKey),
    iv: unwrapFirst("encrypted initialization vector", [bundle.encryptedIv], privateKey),
  };
}

/**
 * Encrypts a key or an initialization vector of 16 bytes for a recipient, given by public or private RSA key, in the
 * form of bundles: 32 lower-case hexadecimal digits as ASCII, then RSA with PKCS#1 v1.5 padding.
 * Throws KEY_INVALID for a key that is not RSA.
 */
export function wrapBundleKey(value: Uint8Array, recipient: KeyObject): Uint8Array {
  if (value.byteLength !== BUNDLE_KEY_BYTES) {
    throw new RangeError(
      `Cannot wrap a bundle key as its length must be ${BUNDLE_KEY_BYTES} bytes: current length is ${value.byteLength}`,
    );
  }
  requireRsa(recipient, "encrypt");
  return encryptPkcs1(Buffer.from(Buffer.from(value).toString("hex"), "latin1"), recipient);
}

function unwrapFirst(
  what: string,
  candidates: readonly (Uint8Array | undefined)[],
  privateKey: KeyObject,
): Uint8Array {
  requireRsa(privateKey, "open");
  const wrapped = candidates.filter((candidate) => candidate !== undefined);
  if (wrapped.length === 0) {
    throw new ImportError("MANIFEST_INVALID", `Cannot read the manifest as it holds no ${what}`, {
      remedy: "Fetch the manifest again, or ask for the bundle to be made again",
    });
  }
  for (const ciphertext of wrapped) {
    const value = unwrap(ciphertext, privateKey);
    if (value !== undefined) return value;
  }
  const keyBits = privateKey.asymmetricKeyDetails?.modulusLength;
  const madeFor = [...new Set(wrapped.map((ciphertext) => ciphertext.byteLength * 8))].join(" or ");
  throw new ImportError(
    "KEY_MISMATCH",
    `Cannot open the ${what} of the bundle, made for an RSA key of ${madeFor} bits, ` +
      `with this private key of ${keyBits ?? "unknown"} bits`,
    {
      remedy:
        "Give the private key that belongs to the certificate the bundle was made with, or the private key of the cloud",
    },
  );
}

/** Undefined for whatever does not decrypt to 32 hexadecimal digits, without telling why: see `pkcs1.ts`. */
function unwrap(ciphertext: Uint8Array, privateKey: KeyObject): Uint8Array | undefined {
  const plaintext = decryptPkcs1(ciphertext, privateKey);
  if (plaintext?.byteLength !== 2 * BUNDLE_KEY_BYTES) return undefined;
  const digits = Buffer.from(plaintext).toString("latin1");
  return /^[0-9a-f]*$/i.test(digits) ? Uint8Array.from(Buffer.from(digits, "hex")) : undefined;
}

function requireRsa(key: KeyObject, verb: string): void {
  if (key.asymmetricKeyType === "rsa") return;
  throw new ImportError(
    "KEY_INVALID",
    `Cannot ${verb} a bundle key with a key of type "${key.asymmetricKeyType}"`,
    {
      remedy: "Give an RSA key, as bundles know no other",
    },
  );
}
