import { systemCode } from "../pipeline/errors.ts";

/** What can be said of a connection that could not be made or broke. */
export interface ConnectionFault {
  /** `lost`: may work a little later. `unknown host`, `untrusted`: will not, until somebody does something. */
  readonly kind: "lost" | "unknown host" | "untrusted";
  /** For a message, after "as". */
  readonly reason: string;
  readonly remedy: string;
}

const LOST: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection was reset",
  ECONNABORTED: "the connection was aborted",
  EPIPE: "the connection was closed",
  ETIMEDOUT: "the connection timed out",
  EHOSTUNREACH: "no route leads to the host",
  ENETUNREACH: "the network cannot be reached",
  EADDRNOTAVAIL: "no local port is free",
  EAI_AGAIN: "the name server does not answer",
  ERR_STREAM_PREMATURE_CLOSE: "the connection was closed early",
};

/** OpenSSL's verification results as Node names them, https://nodejs.org/api/tls.html#x509-certificate-error-codes. */
const UNTRUSTED = /CERT|SIGNATURE|ISSUER|SELF_SIGNED|^ERR_TLS|^HOSTNAME_MISMATCH|^INVALID_(CA|PURPOSE)/;

/** What a failed connection was about, from the codes of Node and OpenSSL; undefined for any other kind of error. */
export function connectionFault(error: unknown): ConnectionFault | undefined {
  const code = deepCode(error);
  if (code === undefined) return undefined;
  if (code === "ENOTFOUND") {
    return {
      kind: "unknown host",
      reason: "the host name is not known",
      remedy: "Check the spelling of the address and this machine's name server",
    };
  }
  if (UNTRUSTED.test(code)) {
    return {
      kind: "untrusted",
      reason: `its certificate is not trusted (${code})`,
      remedy: "Name the file of its certificate authority in the environment variable NODE_EXTRA_CA_CERTS",
    };
  }
  if (code === "EPROTO" || code.startsWith("ERR_SSL")) {
    return {
      kind: "untrusted",
      reason: `it does not speak TLS as wanted (${code})`,
      remedy: "Check whether the address should begin with http:// instead of https://",
    };
  }
  const reason = LOST[code] ?? (code.startsWith("HPE_") ? "its answer is not HTTP" : undefined);
  if (reason === undefined) return undefined;
  return { kind: "lost", reason, remedy: "Check that the server runs and can be reached, then try again" };
}

/** A host with several addresses fails with an AggregateError, whose parts hold the reason. */
function deepCode(error: unknown): string | undefined {
  const code = systemCode(error);
  if (code !== undefined) return code;
  return error instanceof AggregateError ? systemCode(error.errors[0]) : undefined;
}
