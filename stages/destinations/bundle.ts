import { type KeyObject, createCipheriv, createHash, randomBytes } from "node:crypto";
import type { Bytes, Context, Destination, Draft, Receipt } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import {
  type BundleImage,
  type BundleMachine,
  type BundleManifest,
  type BundlePart,
  type BundleType,
  formatBundleManifest,
} from "../../manifest/bundle.ts";
import { BUNDLE_KEY_BYTES, wrapBundleKey } from "../../manifest/bundle-keys.ts";
import { type ByteReader, byteReader } from "../byte-reader.ts";
import { DEFAULT_GZIP_LEVEL, gzip } from "../gzip-writer.ts";
import type { PartStore } from "../part-store.ts";
import { tar } from "../tar/writer.ts";

export interface BundleDestinationOptions {
  readonly store: PartStore;
  /** Base name of parts, manifest and tar member; a plain file name. */
  readonly prefix: string;
  /** Account number, digits only. */
  readonly user: string;
  /** Default `machine`. */
  readonly type?: BundleType;
  readonly machine?: BundleMachine;
  /** Who may open the bundle: the bundler's key, and the cloud's. At least one. */
  readonly recipients: { readonly user?: KeyObject; readonly cloud?: KeyObject };
  /** Signs the manifest; `UNSIGNED` without. */
  readonly signingKey?: KeyObject;
  /** Default {@link DEFAULT_PART_BYTES}. */
  readonly partSizeBytes?: number;
  /** Default that of gzip. */
  readonly gzipLevel?: number;
  readonly bundler: BundleManifest["bundler"];
  /** Default: random. Given where a bundle must come out with known keys; 16 bytes each. */
  readonly keys?: { readonly key: Uint8Array; readonly iv: Uint8Array };
}

/** What every tool that makes bundles uses. */
export const DEFAULT_PART_BYTES = 10 * 1024 * 1024;

/** As many as the parser of manifests reads. */
const MAX_PART_COUNT = 100_000;

const MANIFEST_VERSION = "2007-10-10";

/**
 * Makes a bundle of a raw image: tar, gzip, AES-128-CBC, parts, and the manifest last, without which there is no bundle.
 * The size of the image must be known when opening (`expected.sizeBytes`), as the tar header has it. Until commit the
 * parts are hidden (folder) or stand there without a manifest (object store); any other ending removes them. A receipt
 * names the manifest. Throws SIZE_MISMATCH and what the store throws.
 * Source: euca2ools 3.4 `bundle/pipes`, byte for byte up to the gzip, whose bytes differ between all tools.
 */
export function bundleDestination(options: BundleDestinationOptions): Destination {
  const { store, prefix, partSizeBytes = DEFAULT_PART_BYTES, recipients, keys } = options;
  if (!Number.isSafeInteger(partSizeBytes) || partSizeBytes < 1) {
    throw new RangeError(`A part must have 1 byte or more: current size is ${partSizeBytes}`);
  }
  if (recipients.user === undefined && recipients.cloud === undefined) {
    throw new RangeError("A bundle must be for somebody: give a user's or a cloud's key");
  }
  gzip({ level: options.gzipLevel ?? DEFAULT_GZIP_LEVEL }); // checks the level here and not at the first byte
  const manifestName = `${prefix}.manifest.xml`;
  return {
    name: `${store.name}/${manifestName}`,
    async open(context, { sizeBytes }) {
      if (sizeBytes === undefined) {
        throw new ImportError(
          "PLAN_IMPOSSIBLE",
          `Cannot bundle "${prefix}" as its size is not known beforehand`,
          {
            remedy: "State the size of the image, or bundle from a file",
          },
        );
      }
      await store.prepare(manifestName, context);
      const secrets = keys ?? { key: randomBytes(BUNDLE_KEY_BYTES), iv: randomBytes(BUNDLE_KEY_BYTES) };
      return bundleDraft({ ...options, partSizeBytes }, { manifestName, sizeBytes, secrets }, context);
    },
  };
}

interface Task {
  readonly manifestName: string;
  readonly sizeBytes: number;
  readonly secrets: { readonly key: Uint8Array; readonly iv: Uint8Array };
}

function bundleDraft(
  options: BundleDestinationOptions & { readonly partSizeBytes: number },
  { manifestName, sizeBytes, secrets }: Task,
  context: Context,
): Draft {
  const { store, prefix, partSizeBytes } = options;
  /** Every name that may be in the store, also of a part whose writing failed. */
  const touched: string[] = [];
  const parts: BundlePart[] = [];
  let image: BundleImage | undefined;
  let committed = false;

  async function write(bytes: Bytes): Promise<void> {
    const digest = createHash("sha1");
    const archive = tar({ name: prefix, sizeBytes }).transform(bytes, context);
    const hashed = observed(archive, (chunk) => digest.update(chunk));
    const zipped = gzip({ level: options.gzipLevel ?? DEFAULT_GZIP_LEVEL }).transform(hashed, context);
    const reader = byteReader(encrypted(zipped, secrets));
    let bundledSizeBytes = 0;
    try {
      for (let isLast = false; !isLast;) {
        const part = await writePart(reader);
        bundledSizeBytes += part.sizeBytes;
        isLast = part.isLast;
      }
    } finally {
      await reader.close();
    }
    image = describe(digest.digest("hex"), bundledSizeBytes);
  }

  async function writePart(
    reader: ByteReader,
  ): Promise<{ readonly sizeBytes: number; readonly isLast: boolean }> {
    const index = parts.length;
    if (index >= MAX_PART_COUNT) {
      throw new ImportError(
        "SIZE_EXCEEDED",
        `Cannot bundle "${prefix}" into more than ${MAX_PART_COUNT} parts`,
        {
          remedy: "Choose a larger part size",
        },
      );
    }
    const fileName = `${prefix}.part.${String(index).padStart(2, "0")}`;
    const sha1 = createHash("sha1");
    let partBytes = 0;
    async function* content(): Bytes {
      while (partBytes < partSizeBytes) {
        const chunk = await reader.next(partSizeBytes - partBytes);
        if (chunk === undefined) return;
        partBytes += chunk.byteLength;
        sha1.update(chunk);
        yield chunk;
      }
    }
    touched.push(fileName);
    await store.write(fileName, content(), context);
    parts.push({ index, fileName, sha1: sha1.digest("hex") });
    // euca2ools adds an empty part behind a full last one; nobody needs it, and ec2-ami-tools never did.
    const following = await reader.next();
    if (following !== undefined) reader.unread(following);
    return { sizeBytes: partBytes, isLast: following === undefined };
  }

  function describe(digest: string, bundledSizeBytes: number): BundleImage {
    const { recipients, user, type = "machine" } = options;
    return {
      name: prefix,
      user,
      type,
      ancestry: [],
      digest,
      sizeBytes,
      bundledSizeBytes,
      ...(recipients.cloud === undefined
        ? {}
        : {
            ec2EncryptedKey: wrapBundleKey(secrets.key, recipients.cloud),
            ec2EncryptedIv: wrapBundleKey(secrets.iv, recipients.cloud),
          }),
      ...(recipients.user === undefined
        ? {}
        : {
            userEncryptedKey: wrapBundleKey(secrets.key, recipients.user),
            userEncryptedIv: wrapBundleKey(secrets.iv, recipients.user),
          }),
      parts,
    };
  }

  return {
    write,
    async commit(): Promise<Receipt> {
      if (image === undefined) throw new TypeError("Cannot commit a bundle that was not written");
      context.signal.throwIfAborted();
      const { bundler, machine, signingKey } = options;
      const text = formatBundleManifest(
        { version: MANIFEST_VERSION, bundler, image, ...(machine === undefined ? {} : { machine }) },
        signingKey,
      );
      touched.push(manifestName);
      await store.write(manifestName, one(text), context);
      await store.publish(touched, context);
      committed = true;
      return { name: `${store.name}/${manifestName}`, sizeBytes: image.bundledSizeBytes };
    },
    async [Symbol.asyncDispose]() {
      if (committed) return;
      // The manifest first, so that nobody meets one whose parts are gone.
      const names = touched.splice(0).toReversed();
      if (names.length > 0) await store.remove(names);
    },
  };
}

async function* encrypted(plaintext: Bytes, { key, iv }: Task["secrets"]): Bytes {
  const cipher = createCipheriv("aes-128-cbc", key, iv);
  for await (const chunk of plaintext) {
    const ciphertext = cipher.update(chunk);
    if (ciphertext.byteLength > 0) yield ciphertext;
  }
  yield cipher.final();
}

async function* observed(bytes: Bytes, observe: (chunk: Uint8Array) => void): Bytes {
  for await (const chunk of bytes) {
    observe(chunk);
    yield chunk;
  }
}

async function* one(chunk: Uint8Array): Bytes {
  yield chunk;
}
