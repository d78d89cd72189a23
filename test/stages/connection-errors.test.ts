import test from "ava";
import { connectionFault } from "../../stages/connection-errors.ts";

const failing = (code: string) => Object.assign(new Error("x"), { code });

test("connectionFault() tells what may pass from what will not", (t) => {
  const kinds = {
    ECONNREFUSED: "lost",
    ECONNRESET: "lost",
    EAI_AGAIN: "lost",
    HPE_INVALID_CONSTANT: "lost",
    ENOTFOUND: "unknown host",
    CERT_HAS_EXPIRED: "untrusted",
    DEPTH_ZERO_SELF_SIGNED_CERT: "untrusted",
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: "untrusted",
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "untrusted",
    ERR_TLS_CERT_ALTNAME_INVALID: "untrusted",
    ERR_SSL_WRONG_VERSION_NUMBER: "untrusted",
    EPROTO: "untrusted",
  };
  for (const [code, kind] of Object.entries(kinds))
    t.is<string | undefined, string>(connectionFault(failing(code))?.kind, kind, code);
});

test("connectionFault() looks into the error of a host with several addresses", (t) => {
  t.is(connectionFault(new AggregateError([failing("ECONNREFUSED")]))?.kind, "lost");
});

test("connectionFault() knows nothing of other errors", (t) => {
  for (const error of [failing("ENOENT"), new Error("x"), "ECONNRESET", undefined])
    t.is(connectionFault(error), undefined);
});
