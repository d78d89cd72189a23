import type { Bytes, Context, Source } from "../../pipeline/contract.ts";
import { withSignal } from "../../pipeline/context.ts";
import { ImportError } from "../../pipeline/errors.ts";
import type { BundleManifest, BundlePart } from "../../manifest/bundle.ts";
import { BLOCK_BYTES, withoutPadding } from "../cbc-padding.ts";
import {
  type CipherPlace,
  PART_SLOT_BYTES,
  type PartOnItsWay,
  abandonPart,
  partPlainBytes,
  startPart,
} from "./bundle-part.ts";

export interface BundleSourceOptions {
  /** For people: where the manifest is. */
  readonly name: string;
  readonly manifest: BundleManifest;
  /** 16 bytes each. */
  readonly keys: { readonly key: Uint8Array; readonly iv: Uint8Array };
  readonly openPart: (fileName: string) => Source;
}

/**
 * Parts fetched, checked and decrypted at once. With parts of the usual 10 MiB this keeps 40 MiB in memory, enough to
 * bridge a second of delay at 300 Mbit/s; parts of {@link PART_SLOT_BYTES} make it 64 MiB.
 */
const PARTS_IN_FLIGHT = 3;

/** What a gzip stream begins with (RFC 1952 section 2.3.1): the first sign of a right or wrong key. */
const GZIP_MAGIC = Buffer.of(0x1f, 0x8b, 0x08);

/**
 * The decrypted tar.gz of a bundle. Parts are fetched side by side, their SHA-1 is checked and they are decrypted in
 * threads, as the IV of a part is the end of the one before; they come out in order. Nothing of a part is passed on
 * before its SHA-1 is known, unless it is larger than {@link PART_SLOT_BYTES} and so streamed.
 *
 * Throws, naming the part: CHECKSUM_MISMATCH, SOURCE_NOT_FOUND and whatever else its source throws; and SIZE_MISMATCH (not
 * `bundled_size` bytes in all), KEY_MISMATCH (no gzip comes out), DECRYPTION_FAILED (no padding at the end).
 */
export function bundleSource(options: BundleSourceOptions): Source {
  const { name, manifest, keys } = options;
  if (keys.key.byteLength !== BLOCK_BYTES || keys.iv.byteLength !== BLOCK_BYTES) {
    throw new RangeError(
      `Key and IV must have 16 bytes: they have ${keys.key.byteLength} and ${keys.iv.byteLength}`,
    );
  }
  return {
    name,
    // The length before padding is not known, and decrypting in the middle would need the length of every part.
    facts: async () => ({ seekable: false }),
    async *bytes(context, fromByte = 0): Bytes {
      if (fromByte > 0) {
        throw new ImportError(
          "SOURCE_UNSUITABLE",
          `Cannot read "${name}" from byte ${fromByte} as bundles are read in order`,
        );
      }
      const plaintext = expectGzip(decryptedParts(options, context), name);
      yield* withoutPadding(expectTotal(plaintext, manifest.image.bundledSizeBytes, name), name);
    },
  };
}

/** All parts in order, with up to {@link PARTS_IN_FLIGHT} of them on their way. */
async function* decryptedParts(options: BundleSourceOptions, context: Context): Bytes {
  const { manifest, keys, openPart } = options;
  const { parts } = manifest.image;
  const stop = new AbortController();
  const fetching = withSignal(context, stop.signal);
  const free: SharedArrayBuffer[] = [];
  const onTheirWay: PartOnItsWay[] = [];
  let before: Promise<CipherPlace> = Promise.resolve({ offset: 0, tail: keys.iv });
  let nextPart = 0;

  function start(part: BundlePart): void {
    const memory = free.pop() ?? new SharedArrayBuffer(PART_SLOT_BYTES);
    const request = { part, source: openPart(part.fileName), key: keys.key, memory, before };
    const started = startPart(request, context, fetching);
    before = started.after;
    onTheirWay.push(started);
  }

  try {
    for (;;) {
      for (; onTheirWay.length < PARTS_IN_FLIGHT && nextPart < parts.length; nextPart++) {
        const part = parts[nextPart];
        if (part !== undefined) start(part);
      }
      const fetched = await onTheirWay[0]?.ready;
      if (fetched === undefined) return;
      onTheirWay.shift();
      yield* partPlainBytes(fetched, keys.key);
      free.push(fetched.memory);
    }
  } finally {
    stop.abort();
    for (const part of onTheirWay) await abandonPart(part);
  }
}

async function* expectGzip(plaintext: Bytes, name: string): Bytes {
  let head: Uint8Array | undefined = new Uint8Array();
  for await (const chunk of plaintext) {
    if (head !== undefined && head.byteLength < GZIP_MAGIC.byteLength) {
      head = Buffer.concat([head, chunk.subarray(0, GZIP_MAGIC.byteLength)]);
      if (
        GZIP_MAGIC.compare(head, 0, Math.min(head.byteLength, GZIP_MAGIC.byteLength), 0, head.byteLength) !==
        0
      ) {
        throw new ImportError("KEY_MISMATCH", `Cannot decrypt "${name}" as no gzip data comes out`, {
          step: "decrypt",
          remedy: "Use the key that the bundle was made for, or the private key of the cloud it was made for",
        });
      }
    }
    yield chunk;
  }
}

async function* expectTotal(plaintext: Bytes, wantedBytes: number, name: string): Bytes {
  const mismatch = (found: string) =>
    new ImportError(
      "SIZE_MISMATCH",
      `Cannot accept "${name}" as its parts have ${found} bytes: ${wantedBytes} are stated`,
      {
        step: "decrypt",
        remedy: "Get the bundle again; if it stays so, its manifest belongs to another one",
      },
    );
  let seenBytes = 0;
  for await (const chunk of plaintext) {
    seenBytes += chunk.byteLength;
    if (seenBytes > wantedBytes) throw mismatch(`${seenBytes} or more`);
    yield chunk;
  }
  if (seenBytes < wantedBytes) throw mismatch(`only ${seenBytes}`);
}
