import type { ErrorCode } from "../pipeline/errors.ts";

/** How one of our errors is told to an EC2 client. */
export interface ServiceError {
  /** `Code` of the error document, when a call fails with it. */
  readonly ec2Code: string;
  readonly httpStatus: 400 | 403 | 404 | 500 | 503;
  /**
   * What a failed task's `statusMessage` begins with; the message of the error follows in brackets. ClientError is what the
   * caller can mend, ServerError what the operator must. Clients match these words, so they are AWS's where AWS has some.
   */
  readonly taskMessage: `${"ClientError" | "ServerError"}: ${string}`;
}

const INVALID = { ec2Code: "InvalidParameterValue", httpStatus: 400 } as const;
const INTERNAL = { ec2Code: "InternalError", httpStatus: 500 } as const;
const UNAVAILABLE = { ec2Code: "Unavailable", httpStatus: 503 } as const;
const DISK_INVALID = "ClientError: Disk validation failed";

/**
 * Codes after the EC2 API reference, "Error codes"; texts of tasks after what VM Import answers, see the check catalogue
 * in the wire protocol's notes. A new error code does not compile until it has its line here.
 */
export const SERVICE_ERRORS = {
  ARGUMENT_INVALID: { ...INVALID, taskMessage: "ClientError: Invalid parameter" },
  PLAN_IMPOSSIBLE: {
    ec2Code: "UnsupportedOperation",
    httpStatus: 400,
    taskMessage: "ClientError: Unsupported conversion",
  },

  SOURCE_NOT_FOUND: { ...INVALID, taskMessage: "ClientError: Invalid S3 source location" },
  SOURCE_FORBIDDEN: {
    ec2Code: "AuthFailure",
    httpStatus: 403,
    taskMessage: "ClientError: We do not have access to the given resource",
  },
  SOURCE_UNAVAILABLE: { ...UNAVAILABLE, taskMessage: "ServerError: The source could not be reached" },
  SOURCE_CHANGED: { ...INVALID, taskMessage: "ClientError: The source changed during the import" },
  SOURCE_TRUNCATED: { ...INVALID, taskMessage: "ClientError: Provided image file was corrupted" },
  SOURCE_UNSUITABLE: { ...INVALID, taskMessage: "ClientError: The source cannot be read as needed" },
  CLOCK_SKEW: { ...INTERNAL, taskMessage: "ServerError: The clock of a worker is wrong" },

  MANIFEST_INVALID: { ...INVALID, taskMessage: "ClientError: Invalid manifest" },
  MANIFEST_TOO_LARGE: { ...INVALID, taskMessage: "ClientError: Manifest exceeds the allowed size" },
  SIGNATURE_INVALID: {
    ec2Code: "AuthFailure",
    httpStatus: 403,
    taskMessage: "ClientError: Manifest signature is not valid",
  },
  KEY_INVALID: { ...INVALID, taskMessage: "ClientError: Invalid key or certificate" },
  KEY_MISMATCH: { ...INVALID, taskMessage: "ClientError: The image is encrypted for another key" },

  CHECKSUM_MISMATCH: { ...INVALID, taskMessage: "ClientError: Provided image file was corrupted" },
  SIZE_MISMATCH: { ...INVALID, taskMessage: "ClientError: Provided image file was corrupted" },
  TRAILING_DATA: { ...INVALID, taskMessage: "ClientError: Provided image file was corrupted" },
  DECRYPTION_FAILED: { ...INVALID, taskMessage: "ClientError: Provided image file was corrupted" },
  DECOMPRESSION_FAILED: { ...INVALID, taskMessage: "ClientError: Provided image file was corrupted" },
  ARCHIVE_INVALID: { ...INVALID, taskMessage: "ClientError: Unsupported OVA format" },
  ARCHIVE_UNSAFE: { ...INVALID, taskMessage: "ClientError: Unsupported OVA format" },
  MEMBER_NOT_FOUND: { ...INVALID, taskMessage: "ClientError: Unsupported OVA format" },
  SIZE_EXCEEDED: { ...INVALID, taskMessage: "ClientError: Disk image size exceeds the limit" },
  RATIO_EXCEEDED: { ...INVALID, taskMessage: "ClientError: Disk image size exceeds the limit" },

  FORMAT_UNKNOWN: { ...INVALID, taskMessage: DISK_INVALID },
  FORMAT_MISMATCH: { ...INVALID, taskMessage: DISK_INVALID },
  IMAGE_CORRUPT: { ...INVALID, taskMessage: DISK_INVALID },
  IMAGE_UNSAFE: { ...INVALID, taskMessage: DISK_INVALID },
  DIGEST_MISMATCH: { ...INTERNAL, taskMessage: "ServerError: The result differs from the source" },

  DESTINATION_EXISTS: { ...INTERNAL, taskMessage: "ServerError: The destination exists already" },
  DESTINATION_FORBIDDEN: { ...INTERNAL, taskMessage: "ServerError: The destination cannot be written" },
  DESTINATION_NOT_FOUND: { ...INTERNAL, taskMessage: "ServerError: The destination does not exist" },
  DESTINATION_FULL: {
    ec2Code: "InsufficientVolumeCapacity",
    httpStatus: 500,
    taskMessage: "ServerError: The destination has no room left",
  },
  DESTINATION_TOO_SMALL: {
    ...INVALID,
    taskMessage: "ClientError: The volume is smaller than the disk image",
  },
  DESTINATION_UNAVAILABLE: {
    ...UNAVAILABLE,
    taskMessage: "ServerError: The destination could not be reached",
  },

  SCRATCH_EXCEEDED: { ...INTERNAL, taskMessage: "ServerError: A worker lacks scratch space" },
  SCRATCH_UNWRITABLE: { ...INTERNAL, taskMessage: "ServerError: A worker lacks scratch space" },

  PROGRAM_MISSING: { ...INTERNAL, taskMessage: "ServerError: A worker is not set up properly" },
  PROGRAM_FAILED: { ...INTERNAL, taskMessage: "ServerError: The conversion failed" },
  PROGRAM_TIMED_OUT: { ...INTERNAL, taskMessage: "ServerError: The conversion took too long" },

  INTERNAL: { ...INTERNAL, taskMessage: "ServerError: Internal error" },
} as const satisfies Record<ErrorCode, ServiceError>;
