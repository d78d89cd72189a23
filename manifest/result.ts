import { ImportError } from "../pipeline/errors.ts";
import { formatBytes } from "../pipeline/units.ts";
import {
  type JsonObject,
  describe,
  hexAt,
  instantAt,
  integerAt,
  jsonObject,
  listAt,
  objectAt,
  optionalAt,
  stringAt,
  stringsAt,
  wordAt,
} from "./json-fields.ts";
import { manifestInvalid, present } from "./xml-fields.ts";

/** Raised when a reader of the old version would misunderstand a manifest; new fields alone do not raise it. */
export const RESULT_SCHEMA_VERSION = 1;

/** Findings are few and short; a larger file is no result manifest. */
export const MAX_RESULT_BYTES = 16 * 1024 ** 2;

/**
 * What is proven about a result, as JSON beside it. Every `…Bytes` and `…Ms` is a non-negative safe integer, every
 * digest lower-case hex, every moment ISO 8601 in UTC with milliseconds. Nothing in it is secret: names and
 * identities of sources are without user info and query (`publicName`).
 */
export interface ResultManifest {
  readonly schemaVersion: typeof RESULT_SCHEMA_VERSION;
  /** What made the result. */
  readonly tool: ProgramVersion;
  readonly createdAt: string;
  readonly source: ResultSource;
  readonly plan: ResultPlan;
  readonly result: ResultFile;
  /** Of the guest-visible disk: the same for the same content in every format. */
  readonly diskDigest: DiskDigest;
  /** What was verified on the way, in the order it was done. Only checks that passed let a result come into being. */
  readonly checks: readonly ResultCheck[];
  /** What was found in the guest; empty when nobody looked. */
  readonly findings: readonly ResultFinding[];
  /** Outside programs that took part. */
  readonly programs: readonly ProgramVersion[];
  readonly durations: readonly StepDuration[];
}

export interface ProgramVersion {
  readonly name: string;
  readonly version: string;
}

export interface ResultSource {
  readonly name: string;
  /** Such as `bundle`, `file`, `http`, `s3`, `import-manifest`. */
  readonly kind: string;
  /** Of what was read, as stored; absent when it was not known. */
  readonly sizeBytes?: number;
  /** An ETag, or size and modification time: changes when the content changes. */
  readonly identity?: string;
  /** Digests that came with the source or were computed while it was read; `what` says over what. */
  readonly digests: readonly SourceDigest[];
}

export interface SourceDigest {
  readonly what: string;
  readonly algorithm: "md5" | "sha1" | "sha256";
  readonly value: string;
}

export interface ResultPlan {
  readonly route: "stream" | "ranged" | "spool";
  /** Names of the steps in order, as progress shows them. */
  readonly steps: readonly string[];
  /** Largest use of scratch space. */
  readonly scratchBytes: number;
}

export interface ResultFile {
  /** As a user would type it to read the result back. */
  readonly name: string;
  readonly format: string;
  /** Of the file, object or device content as stored. */
  readonly sizeBytes: number;
  /** Of the disk as a guest sees it. */
  readonly virtualSizeBytes: number;
  /** Of the file as stored; absent where it was not computed, as for a block device. */
  readonly sha256?: string;
}

export interface DiskDigest {
  /** Such as `sha256-tree-4mib`. */
  readonly algorithm: string;
  readonly value: string;
  /** Bytes of disk under one leaf of the tree. */
  readonly blockSizeBytes: number;
}

export interface ResultCheck {
  readonly name: string;
  readonly outcome: "passed" | "skipped";
  /** What was compared, or why it was skipped. */
  readonly detail?: string;
}

export interface ResultFinding {
  readonly id: string;
  readonly severity: "error" | "warning" | "info";
  readonly title: string;
  readonly evidence: string;
  readonly remedy: string;
}

export interface StepDuration {
  readonly step: string;
  /** From its start to its end. */
  readonly elapsedMs: number;
  /** Without what it waited for the steps before it. */
  readonly ownMs?: number;
}

/**
 * Reads a result manifest. Unknown fields are ignored, so that older programs read what newer ones write; another
 * `schemaVersion` is refused. Throws MANIFEST_INVALID naming the field, MANIFEST_TOO_LARGE.
 */
export function parseResultManifest(text: Uint8Array | string): ResultManifest {
  const root = jsonObject(parseJson(text), "");
  const version = root.fields.get("schemaVersion");
  if (version !== RESULT_SCHEMA_VERSION) {
    throw manifestInvalid(
      `"schemaVersion" must be ${RESULT_SCHEMA_VERSION}: current value is ${describe(version)}`,
    );
  }
  return {
    schemaVersion: RESULT_SCHEMA_VERSION,
    tool: readProgram(objectAt(root, "tool")),
    createdAt: instantAt(root, "createdAt"),
    source: readSource(objectAt(root, "source")),
    plan: readPlan(objectAt(root, "plan")),
    result: readFile(objectAt(root, "result")),
    diskDigest: readDiskDigest(objectAt(root, "diskDigest")),
    checks: listAt(root, "checks", (check) => ({
      name: stringAt(check, "name"),
      outcome: wordAt(check, "outcome", ["passed", "skipped"]),
      ...present("detail", optionalAt(check, "detail", stringAt)),
    })),
    findings: listAt(root, "findings", (finding) => ({
      id: stringAt(finding, "id"),
      severity: wordAt(finding, "severity", ["error", "warning", "info"]),
      title: stringAt(finding, "title"),
      evidence: stringAt(finding, "evidence"),
      remedy: stringAt(finding, "remedy"),
    })),
    programs: listAt(root, "programs", readProgram),
    durations: listAt(root, "durations", (duration) => ({
      step: stringAt(duration, "step"),
      elapsedMs: integerAt(duration, "elapsedMs"),
      ...present("ownMs", optionalAt(duration, "ownMs", integerAt)),
    })),
  };
}

/**
 * Writes a result manifest, checked first by reading it back, for people to read: two spaces, a newline at the end.
 * Throws MANIFEST_INVALID for a value that {@link parseResultManifest} would refuse.
 */
export function formatResultManifest(manifest: ResultManifest): Uint8Array {
  return Buffer.from(`${JSON.stringify(parseResultManifest(JSON.stringify(manifest)), undefined, 2)}\n`);
}

function parseJson(text: Uint8Array | string): unknown {
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes > MAX_RESULT_BYTES) {
    throw new ImportError(
      "MANIFEST_TOO_LARGE",
      `Cannot read the result manifest as it has ${formatBytes(sizeBytes)}` +
        ` where at most ${formatBytes(MAX_RESULT_BYTES)} may be`,
      { remedy: "Name the manifest and not the result itself" },
    );
  }
  try {
    return JSON.parse(
      typeof text === "string" ? text : new TextDecoder("utf-8", { fatal: true }).decode(text),
    );
  } catch (error) {
    throw manifestInvalid("it is not JSON in UTF-8", error);
  }
}

function readProgram(program: JsonObject): ProgramVersion {
  return { name: stringAt(program, "name"), version: stringAt(program, "version") };
}

const HEX_DIGITS = { md5: 32, sha1: 40, sha256: 64 } as const;

function readSource(source: JsonObject): ResultSource {
  return {
    name: stringAt(source, "name"),
    kind: stringAt(source, "kind"),
    ...present("sizeBytes", optionalAt(source, "sizeBytes", integerAt)),
    ...present("identity", optionalAt(source, "identity", stringAt)),
    digests: listAt(source, "digests", (digest) => {
      const algorithm = wordAt(digest, "algorithm", ["md5", "sha1", "sha256"]);
      return {
        what: stringAt(digest, "what"),
        algorithm,
        value: hexAt(digest, "value", HEX_DIGITS[algorithm]),
      };
    }),
  };
}

function readPlan(plan: JsonObject): ResultPlan {
  return {
    route: wordAt(plan, "route", ["stream", "ranged", "spool"]),
    steps: stringsAt(plan, "steps"),
    scratchBytes: integerAt(plan, "scratchBytes"),
  };
}

function readFile(file: JsonObject): ResultFile {
  return {
    name: stringAt(file, "name"),
    format: stringAt(file, "format"),
    sizeBytes: integerAt(file, "sizeBytes"),
    virtualSizeBytes: integerAt(file, "virtualSizeBytes"),
    ...present(
      "sha256",
      optionalAt(file, "sha256", (file, name) => hexAt(file, name, HEX_DIGITS.sha256)),
    ),
  };
}

function readDiskDigest(digest: JsonObject): DiskDigest {
  return {
    algorithm: stringAt(digest, "algorithm"),
    value: hexAt(digest, "value", HEX_DIGITS.sha256),
    blockSizeBytes: integerAt(digest, "blockSizeBytes"),
  };
}
