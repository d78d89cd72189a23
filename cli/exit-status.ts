import type { ErrorCode } from "../pipeline/errors.ts";

/** Every status the program ends with, and what a script may conclude from it. `--help` and `docs/errors.md` show this table. */
export const EXIT_STATUSES = {
  0: "success",
  1: "the command worked and the answer is no: disks that were compared differ, a check of doctor failed",
  2: "the command line, a key file or the wished-for route cannot be used",
  3: "the source is missing, refuses or broke off",
  4: "the destination exists already, refuses, is full or broke off",
  5: "this machine lacks something: a program, scratch space, a right clock",
  6: "the content is damaged, forged, unsafe, too large or not what it was declared to be",
  70: "a mistake in diskferry itself",
  129: "stopped by SIGHUP, after cleaning up",
  130: "stopped by Ctrl-C (SIGINT), after cleaning up",
  143: "stopped by SIGTERM, after cleaning up",
} as const;

export type ExitStatus = keyof typeof EXIT_STATUSES;

/** A new error code does not compile until it has its status here. */
export const EXIT_STATUS_OF = {
  ARGUMENT_INVALID: 2,
  PLAN_IMPOSSIBLE: 2,
  KEY_INVALID: 2,

  SOURCE_NOT_FOUND: 3,
  SOURCE_FORBIDDEN: 3,
  SOURCE_UNAVAILABLE: 3,
  SOURCE_CHANGED: 3,
  SOURCE_TRUNCATED: 3,
  SOURCE_UNSUITABLE: 3,
  MEMBER_NOT_FOUND: 3,

  DESTINATION_EXISTS: 4,
  DESTINATION_FORBIDDEN: 4,
  DESTINATION_NOT_FOUND: 4,
  DESTINATION_FULL: 4,
  DESTINATION_TOO_SMALL: 4,
  DESTINATION_UNAVAILABLE: 4,

  CLOCK_SKEW: 5,
  SCRATCH_EXCEEDED: 5,
  SCRATCH_UNWRITABLE: 5,
  PROGRAM_MISSING: 5,
  PROGRAM_FAILED: 5,
  PROGRAM_TIMED_OUT: 5,

  MANIFEST_INVALID: 6,
  MANIFEST_TOO_LARGE: 6,
  SIGNATURE_INVALID: 6,
  KEY_MISMATCH: 6,
  CHECKSUM_MISMATCH: 6,
  SIZE_MISMATCH: 6,
  TRAILING_DATA: 6,
  DECRYPTION_FAILED: 6,
  DECOMPRESSION_FAILED: 6,
  ARCHIVE_INVALID: 6,
  ARCHIVE_UNSAFE: 6,
  SIZE_EXCEEDED: 6,
  RATIO_EXCEEDED: 6,
  FORMAT_UNKNOWN: 6,
  FORMAT_MISMATCH: 6,
  IMAGE_CORRUPT: 6,
  IMAGE_UNSAFE: 6,
  DIGEST_MISMATCH: 6,

  INTERNAL: 70,
} as const satisfies Record<ErrorCode, ExitStatus>;
