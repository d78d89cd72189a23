import { KeyObject, type X509Certificate, createHash, createPublicKey, sign, verify } from "node:crypto";
import { ImportError } from "../pipeline/errors.ts";

/** First line of a signature file; a change of its meaning needs another number. */
const HEADER = "diskferry-signature 1";

/** By type of key. Node wants no digest named for Ed25519, which brings its own (RFC 8032). */
const ALGORITHMS = {
  rsa: { name: "rsa-sha256", digest: "sha256" },
  ed25519: { name: "ed25519", digest: null },
} as const;

/** Appended to the name of a result manifest to get that of its signature. */
export const SIGNATURE_SUFFIX = ".sig";

/**
 * Signs the exact bytes of a result manifest with an RSA (PKCS#1 v1.5, SHA-256) or Ed25519 key. Gives the text of a
 * file of its own, in lines: `diskferry-signature 1`, `algorithm: …`, `key-sha256: …` (of the public key's SPKI in
 * DER, to find the right key; not trusted) and `signature: …` in base64, which plain `openssl` can verify as well.
 * Throws KEY_INVALID for other types of key.
 */
export function signResultManifest(text: Uint8Array, key: KeyObject): Uint8Array {
  const { name, digest } = algorithmOf(key);
  const lines = [
    HEADER,
    `algorithm: ${name}`,
    `key-sha256: ${fingerprint(createPublicKey(key))}`,
    `signature: ${sign(digest, text, key).toString("base64")}`,
  ];
  return Buffer.from(`${lines.join("\n")}\n`);
}

/**
 * Checks a signature file against the exact bytes of a result manifest and the signer's certificate or public key,
 * which alone decides the algorithm. Throws SIGNATURE_INVALID, KEY_INVALID for other types of key.
 */
export function verifyResultManifest(
  text: Uint8Array,
  signature: Uint8Array | string,
  signer: X509Certificate | KeyObject,
): void {
  const key = signer instanceof KeyObject ? signer : signer.publicKey;
  const { name, digest } = algorithmOf(key);
  const stated = parseSignature(signature);
  if (stated.algorithm !== name) {
    throw refused(`it must be of ${name} by the signer's key: current algorithm is ${stated.algorithm}`);
  }
  if (verify(digest, text, key, stated.value)) return;
  throw refused(
    stated.keySha256 === fingerprint(key)
      ? "the manifest was changed after it was signed"
      : "it was made with another key than the signer's",
  );
}

function parseSignature(signature: Uint8Array | string): {
  readonly algorithm: string;
  readonly keySha256: string;
  readonly value: Buffer;
} {
  const text = typeof signature === "string" ? signature : Buffer.from(signature).toString("latin1");
  const match =
    /^diskferry-signature 1\r?\nalgorithm: ([a-z0-9-]{1,40})\r?\nkey-sha256: ([0-9a-f]{64})\r?\nsignature: ([A-Za-z0-9+/]{1,4096}={0,2})\s*$/.exec(
      text,
    );
  if (match === null) throw refused(`its file must start with "${HEADER}" and hold its three lines`);
  const [, algorithm = "", keySha256 = "", value = ""] = match;
  return { algorithm, keySha256, value: Buffer.from(value, "base64") };
}

function algorithmOf(key: KeyObject): (typeof ALGORITHMS)[keyof typeof ALGORITHMS] {
  if (key.asymmetricKeyType === "rsa" || key.asymmetricKeyType === "ed25519") {
    return ALGORITHMS[key.asymmetricKeyType];
  }
  throw new ImportError(
    "KEY_INVALID",
    `Cannot sign or verify a result manifest with a key of type "${key.asymmetricKeyType ?? key.type}"`,
    { remedy: "Give an RSA or Ed25519 key" },
  );
}

function fingerprint(publicKey: KeyObject): string {
  const key = publicKey.type === "public" ? publicKey : createPublicKey(publicKey);
  return createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("hex");
}

function refused(why: string): ImportError {
  return new ImportError(
    "SIGNATURE_INVALID",
    `Cannot accept the signature of the result manifest as ${why}`,
    {
      remedy: "Do not use this result before whoever made it has confirmed it",
    },
  );
}
