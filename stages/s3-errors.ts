import { type ErrorCode, ImportError } from "../pipeline/errors.ts";
import { connectionFault } from "./connection-errors.ts";

/** What was being done when an error came, for its message and code. */
export interface S3Attempt {
  /** As a phrase: `read`, `write`, `list`. */
  readonly action: string;
  /** `s3://bucket/key`. */
  readonly name: string;
  readonly side: "source" | "destination";
}

/** Beyond this S3 refuses a signature (RequestTimeTooSkewed), https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. */
const MAX_CLOCK_SKEW_MS = 15 * 60_000;

type Kind =
  | "not found"
  | "forbidden"
  | "unavailable"
  | "changed"
  | "clock"
  | "region"
  | "unsuitable"
  | "full"
  | "exists";

interface Ruling {
  readonly kind: Kind;
  readonly reason: string;
  readonly remedy: string;
}

const NEW_CREDENTIALS = "Get new credentials, and give the session token with temporary ones";
const TRY_LATER = "Try again later, or ask the operator of the store";

/** Codes of https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, Ceph RGW and Swift's s3api. */
const RULINGS: Readonly<Record<string, Ruling>> = {
  NoSuchKey: { kind: "not found", reason: "there is no such object", remedy: "Check bucket and key" },
  NoSuchVersion: { kind: "not found", reason: "there is no such version", remedy: "Check the key" },
  NoSuchBucket: {
    kind: "not found",
    reason: "there is no such bucket",
    remedy: "Check the bucket's name and the endpoint",
  },
  InvalidBucketName: {
    kind: "not found",
    reason: "no bucket can have such a name",
    remedy: "Check the bucket's name",
  },
  AccessDenied: {
    kind: "forbidden",
    reason: "access is denied",
    remedy:
      "Check that these credentials may use the bucket; without the right to list, a missing object looks the same",
  },
  AllAccessDisabled: { kind: "forbidden", reason: "access is disabled", remedy: TRY_LATER },
  AccountProblem: {
    kind: "forbidden",
    reason: "the account has a problem",
    remedy: "Ask the operator of the store",
  },
  InvalidAccessKeyId: {
    kind: "forbidden",
    reason: "the store does not know the access key",
    remedy: "Check the access key and the endpoint",
  },
  SignatureDoesNotMatch: {
    kind: "forbidden",
    reason: "the signature does not match",
    remedy: "Check the secret key, and that no proxy changes the request",
  },
  ExpiredToken: { kind: "forbidden", reason: "the credentials have expired", remedy: NEW_CREDENTIALS },
  InvalidToken: { kind: "forbidden", reason: "the session token is not valid", remedy: NEW_CREDENTIALS },
  TokenRefreshRequired: {
    kind: "forbidden",
    reason: "the session token must be renewed",
    remedy: NEW_CREDENTIALS,
  },
  CredentialsProviderError: {
    kind: "forbidden",
    reason: "no credentials were found",
    remedy: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile, or use the store anonymously",
  },
  NoSuchUpload: {
    kind: "unavailable",
    reason: "the upload was ended by somebody else",
    remedy: "Check who aborts uploads in this bucket, then try again",
  },
  InvalidObjectState: {
    kind: "unsuitable",
    reason: "the object is archived",
    remedy: "Restore the object from its archive first",
  },
  NotImplemented: {
    kind: "unsuitable",
    reason: "the store cannot do this",
    remedy: "Use another store, or ask its operator",
  },
  MethodNotAllowed: {
    kind: "unsuitable",
    reason: "the store does not allow this",
    remedy: "Check that the endpoint is that of an S3 service",
  },
  RequestTimeTooSkewed: {
    kind: "clock",
    reason: "the clocks of this machine and the store differ too much",
    remedy: "Set this machine's clock",
  },
  PreconditionFailed: {
    kind: "changed",
    reason: "the object was replaced meanwhile",
    remedy: "Start again when nobody writes it any more",
  },
  InvalidRange: {
    kind: "changed",
    reason: "the object became shorter",
    remedy: "Start again when nobody writes it any more",
  },
  QuotaExceeded: {
    kind: "full",
    reason: "the quota is used up",
    remedy: "Delete what is not needed, or ask for a larger quota",
  },
  EntityTooLarge: {
    kind: "full",
    reason: "the object is larger than the store takes",
    remedy: "Ask the operator of the store for its limit",
  },
};

/** Other names for the same, and what an answer without a body leaves to go by: its status. */
const ALIASES: Readonly<Record<string, string>> = {
  404: "NoSuchKey",
  NotFound: "NoSuchKey",
  401: "AccessDenied",
  403: "AccessDenied",
  Forbidden: "AccessDenied",
  RequestExpired: "RequestTimeTooSkewed",
  405: "MethodNotAllowed",
  501: "NotImplemented",
  412: "PreconditionFailed",
  416: "InvalidRange",
  413: "EntityTooLarge",
  507: "QuotaExceeded",
};

const REGION_CODES: ReadonlySet<string> = new Set([
  "PermanentRedirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException",
  "301",
]);

/**
 * The ImportError for what the SDK threw; one that is an ImportError already is returned as it is. `nowMs` is this
 * machine's clock, compared with the answer's Date: a refused HEAD has no body that would tell of a wrong clock.
 */
export function s3Error(error: unknown, attempt: S3Attempt, nowMs: number): ImportError {
  if (error instanceof ImportError) return error;
  const ruling = rule(error, nowMs);
  // An answer without body does not tell what it is that is not there; what was asked for does.
  const isBucket = ruling === RULINGS.NoSuchKey && /^s3:\/\/[^/]+$/.test(attempt.name);
  const { kind, reason, remedy } = (isBucket ? RULINGS.NoSuchBucket : undefined) ?? ruling;
  return new ImportError(
    CODES[kind][attempt.side],
    `Cannot ${attempt.action} "${attempt.name}" as ${reason}`,
    { cause: error, remedy },
  );
}

const CODES: Readonly<Record<Kind, Readonly<Record<S3Attempt["side"], ErrorCode>>>> = {
  "not found": { source: "SOURCE_NOT_FOUND", destination: "DESTINATION_NOT_FOUND" },
  forbidden: { source: "SOURCE_FORBIDDEN", destination: "DESTINATION_FORBIDDEN" },
  unavailable: { source: "SOURCE_UNAVAILABLE", destination: "DESTINATION_UNAVAILABLE" },
  changed: { source: "SOURCE_CHANGED", destination: "DESTINATION_EXISTS" },
  clock: { source: "CLOCK_SKEW", destination: "CLOCK_SKEW" },
  region: { source: "ARGUMENT_INVALID", destination: "ARGUMENT_INVALID" },
  unsuitable: { source: "SOURCE_UNSUITABLE", destination: "DESTINATION_FORBIDDEN" },
  full: { source: "SOURCE_UNSUITABLE", destination: "DESTINATION_FULL" },
  exists: { source: "SOURCE_CHANGED", destination: "DESTINATION_EXISTS" },
};

function rule(error: unknown, nowMs: number): Ruling {
  const fault = connectionFault(error);
  if (fault !== undefined) {
    const kind = { lost: "unavailable", "unknown host": "not found", untrusted: "unsuitable" } as const;
    return { kind: kind[fault.kind], reason: fault.reason, remedy: fault.remedy };
  }
  const { name, status, region, dateMs } = answerFacts(error);
  if (status === 403 && dateMs !== undefined && Math.abs(dateMs - nowMs) > MAX_CLOCK_SKEW_MS) {
    return RULINGS.RequestTimeTooSkewed ?? unknownAnswer(name, status);
  }
  if (REGION_CODES.has(name) || status === 301 || name === "Region is missing") {
    return {
      kind: "region",
      reason: "the bucket is in another region",
      remedy: region === undefined ? "Set the region of the bucket" : `Set the region to ${region}`,
    };
  }
  const key = String(status);
  const ruling = RULINGS[name] ?? RULINGS[ALIASES[name] ?? ""] ?? RULINGS[ALIASES[key] ?? ""];
  return ruling ?? unknownAnswer(name, status);
}

/** The HTTP status of the answer that made the SDK throw `error`, if there was one. */
export function answerStatus(error: unknown): number | undefined {
  return answerFacts(error).status;
}

/** What nobody foresaw: the server's own trouble may pass, a refusal of this very request will not. */
function unknownAnswer(name: string, status: number | undefined): Ruling {
  const answer = status === undefined ? name : `${name}, status ${status}`;
  const passing = status === undefined || status >= 500 || status === 429 || PASSING.has(name);
  if (name === "TimeoutError") return { kind: "unavailable", reason: "it did not answer", remedy: TRY_LATER };
  return {
    kind: passing ? "unavailable" : "unsuitable",
    reason: `the store answered ${answer}`,
    remedy: TRY_LATER,
  };
}

/** Statuses in the 400s that a repetition mends: a slow or damaged upload. */
const PASSING: ReadonlySet<string> = new Set([
  "RequestTimeout",
  "XAmzContentSHA256Mismatch",
  "BadDigest",
  "IncompleteBody",
  "OperationAborted",
]);

interface AnswerFacts {
  readonly name: string;
  readonly status: number | undefined;
  readonly region: string | undefined;
  readonly dateMs: number | undefined;
}

/** Reads the loosely typed errors of the SDK: name, `$metadata`, `$response`. */
function answerFacts(error: unknown): AnswerFacts {
  const thrown = (error ?? {}) as {
    name?: string;
    message?: string;
    Region?: string;
    $metadata?: { httpStatusCode?: number };
    $response?: { headers?: Record<string, string> };
  };
  const headers = thrown.$response?.headers ?? {};
  const dateMs = Date.parse(headers.date ?? "");
  return {
    name: thrown.message === "Region is missing" ? thrown.message : (thrown.name ?? "Error"),
    status: thrown.$metadata?.httpStatusCode,
    region: thrown.Region ?? headers["x-amz-bucket-region"],
    dateMs: Number.isNaN(dateMs) ? undefined : dateMs,
  };
}
