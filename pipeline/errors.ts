/** Who can do something about an error. */
export type Fixer = "user" | "operator" | "image owner" | "developer";

interface ErrorKind {
  readonly meaning: string;
  readonly fixer: Fixer;
  /** Whether the same call may succeed a little later without anybody doing anything. */
  readonly retryable: boolean;
}

/**
 * Every way diskferry fails, for every program it is made of. The edges translate these keys exhaustively:
 * `cli/exit-status.ts`, `service/errors.ts`, `docs/errors.md` (compared by test).
 */
export const ERRORS = {
  ARGUMENT_INVALID: {
    meaning: "A flag, address or option cannot be used as given",
    fixer: "user",
    retryable: false,
  },
  PLAN_IMPOSSIBLE: {
    meaning: "No route leads from this source to this destination",
    fixer: "user",
    retryable: false,
  },

  SOURCE_NOT_FOUND: {
    meaning: "The source, or a part of it, does not exist",
    fixer: "user",
    retryable: false,
  },
  SOURCE_FORBIDDEN: { meaning: "The source refuses these credentials", fixer: "user", retryable: false },
  SOURCE_UNAVAILABLE: {
    meaning: "The source could not be reached or broke off, also after repeated tries",
    fixer: "operator",
    retryable: true,
  },
  SOURCE_CHANGED: { meaning: "The source changed while it was read", fixer: "user", retryable: false },
  SOURCE_TRUNCATED: {
    meaning: "The source ended before the size it stated",
    fixer: "image owner",
    retryable: false,
  },
  SOURCE_UNSUITABLE: {
    meaning: "The source lacks something that is needed, such as ranged reading",
    fixer: "operator",
    retryable: false,
  },
  CLOCK_SKEW: {
    meaning: "The clocks of this machine and the server differ too much for signed requests",
    fixer: "operator",
    retryable: false,
  },

  MANIFEST_INVALID: {
    meaning: "A manifest cannot be understood or contradicts itself",
    fixer: "image owner",
    retryable: false,
  },
  MANIFEST_TOO_LARGE: {
    meaning: "A manifest has more bytes, parts or depth than is allowed",
    fixer: "image owner",
    retryable: false,
  },
  SIGNATURE_INVALID: {
    meaning: "A signature is missing where one is demanded, or does not fit the certificate",
    fixer: "image owner",
    retryable: false,
  },
  KEY_INVALID: { meaning: "A key or certificate file cannot be used", fixer: "user", retryable: false },
  KEY_MISMATCH: { meaning: "The private key does not open this bundle", fixer: "user", retryable: false },

  CHECKSUM_MISMATCH: {
    meaning: "Content differs from the digest stated for it",
    fixer: "image owner",
    retryable: false,
  },
  SIZE_MISMATCH: {
    meaning: "Content is longer or shorter than stated for it",
    fixer: "image owner",
    retryable: false,
  },
  TRAILING_DATA: {
    meaning: "Bytes follow where the content should have ended",
    fixer: "image owner",
    retryable: false,
  },
  DECRYPTION_FAILED: {
    meaning: "The ciphertext does not decrypt to a well-formed end",
    fixer: "image owner",
    retryable: false,
  },
  DECOMPRESSION_FAILED: {
    meaning: "Compressed data is damaged or ends early",
    fixer: "image owner",
    retryable: false,
  },
  ARCHIVE_INVALID: {
    meaning: "A tar archive is damaged or ends early",
    fixer: "image owner",
    retryable: false,
  },
  ARCHIVE_UNSAFE: {
    meaning: "An archive holds a path, link or device that an image has no need of",
    fixer: "image owner",
    retryable: false,
  },
  MEMBER_NOT_FOUND: {
    meaning: "An archive holds no such member, or more than one that would do",
    fixer: "user",
    retryable: false,
  },
  SIZE_EXCEEDED: { meaning: "Content grew past a limit on its size", fixer: "operator", retryable: false },
  RATIO_EXCEEDED: {
    meaning: "Compressed data grew past the limit on its ratio",
    fixer: "operator",
    retryable: false,
  },

  FORMAT_UNKNOWN: {
    meaning: "The disk format is not known or not supported",
    fixer: "user",
    retryable: false,
  },
  FORMAT_MISMATCH: {
    meaning: "The image is of another format than was declared",
    fixer: "user",
    retryable: false,
  },
  IMAGE_CORRUPT: { meaning: "The disk image is damaged", fixer: "image owner", retryable: false },
  IMAGE_UNSAFE: {
    meaning: "The disk image refers to files outside itself or tries to deceive",
    fixer: "image owner",
    retryable: false,
  },
  DIGEST_MISMATCH: {
    meaning: "The guest-visible disk differs from the disk digest expected of it",
    fixer: "operator",
    retryable: false,
  },

  DESTINATION_EXISTS: {
    meaning: "There is something at the destination already",
    fixer: "user",
    retryable: false,
  },
  DESTINATION_FORBIDDEN: {
    meaning: "The destination cannot be written with these rights or credentials",
    fixer: "user",
    retryable: false,
  },
  DESTINATION_NOT_FOUND: {
    meaning: "The folder, bucket or device to write to does not exist",
    fixer: "user",
    retryable: false,
  },
  DESTINATION_FULL: { meaning: "The destination has no room left", fixer: "operator", retryable: false },
  DESTINATION_TOO_SMALL: { meaning: "The device is smaller than the disk", fixer: "user", retryable: false },
  DESTINATION_UNAVAILABLE: {
    meaning: "The destination could not be reached or broke off, also after repeated tries",
    fixer: "operator",
    retryable: true,
  },

  SCRATCH_EXCEEDED: {
    meaning: "The work needs more scratch space than allowed or free",
    fixer: "operator",
    retryable: false,
  },
  SCRATCH_UNWRITABLE: {
    meaning: "The scratch folder cannot be written",
    fixer: "operator",
    retryable: false,
  },

  PROGRAM_MISSING: { meaning: "An outside program is not installed", fixer: "operator", retryable: false },
  PROGRAM_FAILED: { meaning: "An outside program failed", fixer: "operator", retryable: false },
  PROGRAM_TIMED_OUT: {
    meaning: "An outside program took longer than its wall clock allows",
    fixer: "operator",
    retryable: true,
  },

  INTERNAL: {
    meaning: "Something happened that diskferry did not expect",
    fixer: "developer",
    retryable: false,
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorDetails {
  /** The step or stage that failed, as progress names it. */
  readonly step?: string;
  /** What to do about it, one sentence, imperative, no full stop. */
  readonly remedy?: string;
  readonly cause?: unknown;
}

/**
 * The one error class. The message states the action, the thing (quoted), the value found and the value wanted,
 * without full stop and without any secret; `remedy` says what to do.
 */
export class ImportError extends Error {
  override readonly name = "ImportError";
  readonly code: ErrorCode;
  readonly step: string | undefined;
  readonly remedy: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.step = details.step;
    this.remedy = details.remedy;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}

/** The `code` of a Node system error (`ENOENT`), or undefined for anything else. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
