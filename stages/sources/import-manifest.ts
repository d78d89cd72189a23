import type { ImportManifest, ImportPart } from "../../manifest/import.ts";
import type { Context, Source } from "../../pipeline/contract.ts";
import { type ErrorCode, ImportError } from "../../pipeline/errors.ts";
import { DEFAULT_IDLE_TIMEOUT_MS, noteRetry } from "../remote.ts";
import { parseHttpAddress } from "./http-address.ts";
import { changed } from "./http-errors.ts";
import { type HttpAnswer, httpGet } from "./http-exchange.ts";
import type { HttpSourceOptions } from "./http.ts";
import { contentRange } from "./http-sight.ts";
import { patient } from "./patience.ts";
import { type Chunks, cut, inOrder, wholePiece } from "./pieces.ts";
import { readAll } from "./response-body.ts";

/**
 * Parts up to this length, which is what euca2ools makes, are asked for whole, so that a server need not know ranges. With
 * `WINDOW_COUNT` of them 50 MiB are held.
 */
const WHOLE_PART_BYTES = 10 * 1024 * 1024;

interface Piece {
  readonly part: ImportPart;
  /** In the part. */
  readonly offset: number;
  readonly length: number;
  readonly partBytes: number;
}

/**
 * The file that an import manifest describes, from its parts by their pre-signed GET addresses: several at a time and in
 * order, see `pieces.ts` for the bounds. A part that is not as long as its byte range says throws SIZE_MISMATCH; one whose
 * ETag changes between two requests, SOURCE_CHANGED. Otherwise as {@link httpGet}, whose errors name the part. An expired
 * address is SOURCE_FORBIDDEN. The name is the address of the first part without its query. Delete addresses are never used.
 */
export function importManifestSource(manifest: ImportManifest, options: HttpSourceOptions = {}): Source {
  const { idleTimeoutMs = DEFAULT_IDLE_TIMEOUT_MS, ca } = options;
  const lengths = partLengths(manifest);
  const sizeBytes = lengths.reduce((sum, length) => sum + length, 0);
  const addresses = new Map(manifest.parts.map((part) => [part, parseHttpAddress(part.getUrl)]));
  const first = manifest.parts[0];
  const name = (first && addresses.get(first)?.name) ?? "import manifest without parts";

  async function fetch(piece: Piece, etags: Map<ImportPart, string>, context: Context): Promise<Chunks> {
    const { part, offset, length, partBytes } = piece;
    const { url, name: address } = addresses.get(part) ?? parseHttpAddress(part.getUrl);
    const { signal } = context;
    const whole = length === partBytes && partBytes <= WHOLE_PART_BYTES;

    async function read(filled: number) {
      const range = { range: `bytes=${offset + filled}-${offset + length - 1}` };
      const headers = {
        "accept-encoding": "identity",
        ...options.headers,
        ...(whole && filled === 0 ? {} : range),
      };
      const exchange = { name: address, headers, signal, idleTimeoutMs, ca };
      const answer = await naming(part, httpGet(url, exchange));
      try {
        checkPart(answer, piece, filled, address);
        const etag = etags.get(part) ?? answer.headers.etag;
        if (etag !== undefined) etags.set(part, etag);
        if (etag !== answer.headers.etag) throw changed(address, `part ${part.index} was replaced`);
      } catch (error) {
        answer.body.destroy();
        throw error;
      }
      return await readAll(answer.body, length - filled, { name: address, signal, idleTimeoutMs });
    }

    return await wholePiece(
      length,
      read,
      patient({ ...options.retry, signal, onRetry: noteRetry("read", context) }),
    );
  }

  function* pieces(fromByte: number): Iterable<Piece> {
    let start = 0;
    for (const [index, part] of manifest.parts.entries()) {
      const partBytes = lengths[index] ?? 0;
      const offset = Math.max(0, fromByte - start);
      start += partBytes;
      if (offset >= partBytes) continue;
      if (partBytes <= WHOLE_PART_BYTES) yield { part, offset, length: partBytes - offset, partBytes };
      else for (const piece of cut(offset, partBytes)) yield { part, partBytes, ...piece };
    }
  }

  return {
    name,
    // Nothing is asked: the manifest states it, and every part is held against it as it comes.
    facts: () => Promise.resolve({ sizeBytes, seekable: true }),
    bytes(context, fromByte = 0) {
      const etags = new Map<ImportPart, string>();
      return inOrder(pieces(fromByte), (piece, inner) => fetch(piece, etags, inner), context);
    },
  };
}

/**
 * Lengths from the inclusive ranges. One of Amazon's own examples ends its last range at the size instead of one before
 * it: such a last part is taken to be one byte shorter.
 */
function partLengths({ parts, sizeBytes }: ImportManifest): readonly number[] {
  return parts.map(({ startByte, endByteInclusive }, index) => {
    const excess = index === parts.length - 1 && endByteInclusive === sizeBytes ? 1 : 0;
    return endByteInclusive + 1 - excess - startByte;
  });
}

function checkPart(answer: HttpAnswer, piece: Piece, filled: number, address: string): void {
  const { part, offset, partBytes } = piece;
  const from = offset + filled;
  const range = contentRange(answer.headers);
  const length =
    answer.status === 200 ? Number(answer.headers["content-length"] ?? partBytes) : range?.totalBytes;
  if (length !== undefined && length !== partBytes) {
    throw new ImportError(
      "SIZE_MISMATCH",
      `Cannot use part ${part.index} at "${address}" as it has ${length} bytes: the manifest says ${partBytes}`,
      { remedy: "Upload the part again, or make a new manifest" },
    );
  }
  const start = answer.status === 206 ? range?.first : 0;
  if (start === from) return;
  throw new ImportError(
    "SOURCE_UNSUITABLE",
    `Cannot read part ${part.index} at "${address}" from byte ${from} on`,
    {
      remedy: "Use a server that answers Range requests, or parts of no more than 10 MiB",
    },
  );
}

/** Adds to an error which part it is about. */
async function naming<T>(part: ImportPart, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof ImportError) || !NAMED.has(error.code)) throw error;
    const { code, remedy, message } = error;
    throw new ImportError(code, `${message}, which is part ${part.index}`, {
      cause: error,
      ...(remedy === undefined ? {} : { remedy }),
    });
  }
}

/** The rest keeps its own class, which may say when to try again. */
const NAMED: ReadonlySet<ErrorCode> = new Set(["SOURCE_NOT_FOUND", "SOURCE_FORBIDDEN", "CLOCK_SKEW"]);
