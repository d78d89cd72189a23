import { type KeyObject, X509Certificate, createPrivateKey } from "node:crypto";
import { ImportError } from "../pipeline/errors.ts";

/**
 * The private key of a PEM file: PKCS#1, PKCS#8 or SEC1, without a passphrase. `name` is the file as people know it.
 * Throws KEY_INVALID, never with a word of the content.
 */
export function parsePrivateKey(pem: Uint8Array | string, name: string): KeyObject {
  const text = textOf(pem);
  const label = labelOf(text, /PRIVATE KEY$/);
  if (label === undefined) throw unusable("private key", name, text);
  if (label.startsWith("ENCRYPTED") || /^Proc-Type: *4,ENCRYPTED/m.test(text)) {
    throw new ImportError(
      "KEY_INVALID",
      `Cannot use the private key "${name}" as it is protected by a passphrase`,
      {
        remedy: `Write a copy without passphrase for this use: openssl pkey -in ${name} -out key.pem`,
      },
    );
  }
  try {
    return createPrivateKey(text);
  } catch (error) {
    throw damaged("private key", name, error);
  }
}

/** The first certificate of a PEM file. Throws KEY_INVALID. Its dates are not checked: bundles outlive certificates. */
export function parseCertificate(pem: Uint8Array | string, name: string): X509Certificate {
  const text = textOf(pem);
  if (labelOf(text, /^(X509 |TRUSTED )?CERTIFICATE$/) === undefined)
    throw unusable("certificate", name, text);
  try {
    const certificate = new X509Certificate(text);
    // Touching it decodes the key now, where the file's name is known, and not at its first use.
    void certificate.publicKey;
    return certificate;
  } catch (error) {
    throw damaged("certificate", name, error);
  }
}

function textOf(pem: Uint8Array | string): string {
  return typeof pem === "string" ? pem : Buffer.from(pem).toString("latin1");
}

/** The label of the first PEM block whose label fits. */
function labelOf(text: string, wanted: RegExp): string | undefined {
  for (const [, label = ""] of text.matchAll(/^-----BEGIN ([A-Z0-9 ]{1,40})-----/gm)) {
    if (wanted.test(label)) return label;
  }
  return undefined;
}

function unusable(kind: string, name: string, text: string): ImportError {
  const found = labelOf(text, /./);
  return new ImportError(
    "KEY_INVALID",
    `Cannot use "${name}" as a ${kind} as it must hold one in PEM: ` +
      (found === undefined ? "it holds no PEM block" : `current block is "${found}"`),
    { remedy: `Give the file that starts with -----BEGIN ${kind.toUpperCase()}-----` },
  );
}

function damaged(kind: string, name: string, cause: unknown): ImportError {
  return new ImportError("KEY_INVALID", `Cannot use the ${kind} "${name}" as its content is damaged`, {
    remedy: `Copy the ${kind} again from where it was issued`,
    cause,
  });
}
