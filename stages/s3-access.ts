import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import type { Context } from "../pipeline/contract.ts";
import { ImportError } from "../pipeline/errors.ts";
import { retry } from "../pipeline/retry.ts";
import { DEFAULT_IDLE_TIMEOUT_MS, noteRetry, type RetryPolicy } from "./remote.ts";
import { s3Error, type S3Attempt } from "./s3-errors.ts";

export interface S3Location {
  readonly bucket: string;
  readonly key: string;
}

export interface S3Options {
  /** Of a store that is not AWS. Default: AWS. */
  readonly endpoint?: string;
  /** Bucket in the path instead of the host name. Default: true with `endpoint`, as most such stores need it. */
  readonly pathStyle?: boolean;
  /** Default: from the environment or profile; `us-east-1` with `endpoint`, where it is only part of the signature. */
  readonly region?: string;
  /** Default: the SDK's chain of environment, profile, web identity, container and instance role. */
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  /** Of the shared AWS configuration files. */
  readonly profile?: string;
  /** Signs nothing, for public buckets. Default false. */
  readonly anonymous?: boolean;
  /** How long a connection may be silent. Default {@link DEFAULT_IDLE_TIMEOUT_MS}. */
  readonly idleTimeoutMs?: number;
  readonly retry?: RetryPolicy;
  /** Replaces the machine's clock in tests: added to the time that is signed. */
  readonly clockOffsetMs?: number;
}

/** How to reach a store: opened on first use, so that nothing of the SDK is loaded by runs that need none of it. */
export interface S3Access {
  readonly idleTimeoutMs: number;
  readonly retry: RetryPolicy;
  readonly anonymous: boolean;
  /** The module and a client that tries once: repeating is up to {@link S3Access.call}. */
  open(): Promise<{ readonly sdk: S3Sdk; readonly client: S3Client }>;
  /**
   * Another client with the same settings and connections, to which middleware can be added. Uploads of parts end with
   * `signal` also where the SDK's own code passes none on.
   */
  newClient(signal: AbortSignal): Promise<S3Client>;
  /** Runs `request` once and throws what `s3Error` makes of its failure, or the signal's reason. */
  once<T>(attempt: S3Attempt, context: Context, request: S3Request<T>): Promise<T>;
  /** As {@link S3Access.once}, repeated while that may help. */
  call<T>(attempt: S3Attempt, context: Context, request: S3Request<T>): Promise<T>;
}

export type S3Request<T> = (opened: { readonly sdk: S3Sdk; readonly client: S3Client }) => Promise<T>;

export type S3Sdk = typeof import("@aws-sdk/client-s3");

/** To connect within a region takes milliseconds; three tries of TCP's SYN fit in here. */
const CONNECT_TIMEOUT_MS = 10_000;
/** More than all readers and writers of one run use together. */
const MAX_SOCKETS = 32;

/** Throws ARGUMENT_INVALID when the options contradict each other or the endpoint is no HTTP address. */
export function s3Access(options: S3Options = {}): S3Access {
  const { endpoint, anonymous = false, idleTimeoutMs = DEFAULT_IDLE_TIMEOUT_MS } = options;
  if (endpoint !== undefined) checkEndpoint(endpoint);
  if (anonymous && (options.credentials !== undefined || options.profile !== undefined)) {
    throw new ImportError("ARGUMENT_INVALID", "Cannot use credentials for an anonymous access to S3", {
      remedy: "Leave out the credentials or the wish to be anonymous",
    });
  }
  const policy = options.retry ?? {};
  let opened:
    | Promise<{ readonly sdk: S3Sdk; readonly client: S3Client; readonly config: S3ClientConfig }>
    | undefined;

  async function load() {
    const sdk = await import("@aws-sdk/client-s3");
    const config: S3ClientConfig = {
      ...(endpoint === undefined ? { followRegionRedirects: true } : { endpoint, region: "us-east-1" }),
      ...(options.region === undefined ? {} : { region: options.region }),
      ...(options.profile === undefined ? {} : { profile: options.profile }),
      ...(options.credentials === undefined ? {} : { credentials: { ...options.credentials } }),
      // A signer that signs nothing is how the SDK's own documentation makes anonymous requests.
      ...(anonymous
        ? {
            credentials: { accessKeyId: "", secretAccessKey: "" },
            signer: { sign: async (request) => request },
          }
        : {}),
      forcePathStyle: options.pathStyle ?? endpoint !== undefined,
      systemClockOffset: options.clockOffsetMs ?? 0,
      // One policy for requests and for bodies that break off, which the SDK does not repeat: our own.
      maxAttempts: 1,
      // The SDK's default checksums are trailers of a chunked body, which Ceph RGW (411) and Swift (501) refuse.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      requestHandler: {
        httpAgent: new HttpAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
        httpsAgent: new HttpsAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
        connectionTimeout: CONNECT_TIMEOUT_MS,
        socketTimeout: idleTimeoutMs,
        requestTimeout: idleTimeoutMs,
        throwOnRequestTimeout: true,
      },
    };
    return { sdk, client: new sdk.S3Client(config), config };
  }
  const open = () => (opened ??= load());

  async function once<T>(attempt: S3Attempt, { signal }: Context, request: S3Request<T>): Promise<T> {
    try {
      return await request(await open());
    } catch (error) {
      signal.throwIfAborted();
      throw s3Error(error, attempt, Date.now() + (options.clockOffsetMs ?? 0));
    }
  }

  return {
    idleTimeoutMs,
    retry: policy,
    anonymous,
    open,
    async newClient(signal) {
      const { sdk, client, config } = await open();
      const inner = client.config.requestHandler;
      const requestHandler: typeof inner = {
        metadata: inner.metadata ?? { handlerProtocol: "http/1.1" },
        handle: (request, options) =>
          // Only parts: of an upload that was begun or completed without knowing its answer, something would be left.
          inner.handle(
            request,
            "partNumber" in request.query ? { ...options, abortSignal: signal } : options,
          ),
      };
      return new sdk.S3Client({ ...config, requestHandler });
    },
    once,
    async call(attempt, context, request) {
      const { signal } = context;
      const options = { ...policy, signal, onRetry: noteRetry(attempt.action, context) };
      return await retry(() => once(attempt, context, request), options);
    },
  };
}

function checkEndpoint(endpoint: string): void {
  const url = URL.parse(endpoint);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.search !== "") {
    throw new ImportError(
      "ARGUMENT_INVALID",
      "Cannot use the S3 endpoint as it is no plain http or https address",
      {
        remedy: "Give an address such as https://s3.example.com",
      },
    );
  }
}

/**
 * `s3://bucket/key` → its parts, taken literally: nothing is percent-decoded, as object keys may hold any character.
 * Throws ARGUMENT_INVALID for anything else.
 */
export function parseS3Url(text: string): S3Location {
  const match = /^s3:\/\/([^/]+)\/(.+)$/is.exec(text);
  const [, bucket, key] = match ?? [];
  if (bucket === undefined || key === undefined || bucket.includes("@")) {
    throw new ImportError(
      "ARGUMENT_INVALID",
      `Cannot understand the S3 address "${text.replace(/\/\/[^/]*@/, "//")}"`,
      {
        remedy: "Write s3://BUCKET/KEY, and give credentials apart from the address",
      },
    );
  }
  return { bucket, key };
}

/** `s3://bucket/key`, for names. */
export function formatS3Url({ bucket, key }: S3Location): string {
  return `s3://${bucket}/${key}`;
}
