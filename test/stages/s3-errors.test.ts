import test from "ava";
import { type ErrorCode, ImportError } from "../../pipeline/errors.ts";
import { answerStatus, s3Error } from "../../stages/s3-errors.ts";

const NOW_MS = Date.parse("2026-01-01T00:00:00Z");
const attempt = { action: "read", name: "s3://b/k" } as const;
const answer = (name: string, status: number, more: object = {}) =>
  Object.assign(new Error("secret"), { name, $metadata: { httpStatusCode: status }, ...more });
const translate = (error: unknown, side: "source" | "destination" = "source") =>
  s3Error(error, { ...attempt, side }, NOW_MS);

const CASES: readonly (readonly [name: string, status: number, ErrorCode, ErrorCode])[] = [
  ["NoSuchKey", 404, "SOURCE_NOT_FOUND", "DESTINATION_NOT_FOUND"],
  ["NotFound", 404, "SOURCE_NOT_FOUND", "DESTINATION_NOT_FOUND"],
  ["NoSuchBucket", 404, "SOURCE_NOT_FOUND", "DESTINATION_NOT_FOUND"],
  ["AccessDenied", 403, "SOURCE_FORBIDDEN", "DESTINATION_FORBIDDEN"],
  ["403", 403, "SOURCE_FORBIDDEN", "DESTINATION_FORBIDDEN"],
  ["InvalidAccessKeyId", 403, "SOURCE_FORBIDDEN", "DESTINATION_FORBIDDEN"],
  ["SignatureDoesNotMatch", 403, "SOURCE_FORBIDDEN", "DESTINATION_FORBIDDEN"],
  ["ExpiredToken", 400, "SOURCE_FORBIDDEN", "DESTINATION_FORBIDDEN"],
  ["RequestTimeTooSkewed", 403, "CLOCK_SKEW", "CLOCK_SKEW"],
  ["PreconditionFailed", 412, "SOURCE_CHANGED", "DESTINATION_EXISTS"],
  ["InvalidRange", 416, "SOURCE_CHANGED", "DESTINATION_EXISTS"],
  ["PermanentRedirect", 301, "ARGUMENT_INVALID", "ARGUMENT_INVALID"],
  ["AuthorizationHeaderMalformed", 400, "ARGUMENT_INVALID", "ARGUMENT_INVALID"],
  ["InvalidObjectState", 403, "SOURCE_UNSUITABLE", "DESTINATION_FORBIDDEN"],
  ["QuotaExceeded", 403, "SOURCE_UNSUITABLE", "DESTINATION_FULL"],
  ["SlowDown", 503, "SOURCE_UNAVAILABLE", "DESTINATION_UNAVAILABLE"],
  ["InternalError", 500, "SOURCE_UNAVAILABLE", "DESTINATION_UNAVAILABLE"],
  ["TooManyRequests", 429, "SOURCE_UNAVAILABLE", "DESTINATION_UNAVAILABLE"],
  ["RequestTimeout", 400, "SOURCE_UNAVAILABLE", "DESTINATION_UNAVAILABLE"],
  ["XAmzContentSHA256Mismatch", 400, "SOURCE_UNAVAILABLE", "DESTINATION_UNAVAILABLE"],
  ["SomethingNew", 400, "SOURCE_UNSUITABLE", "DESTINATION_FORBIDDEN"],
];
for (const [name, status, source, destination] of CASES) {
  test(`s3Error() makes ${source} or ${destination} of ${name}, status ${status}`, (t) => {
    const error = translate(answer(name, status));
    t.is(error.code, source);
    t.is(translate(answer(name, status), "destination").code, destination);
    t.truthy(error.remedy);
    t.regex(error.message, /^Cannot read "s3:\/\/b\/k" as /);
    t.false(error.message.includes("secret"));
  });
}

test("s3Error() names the region to set", (t) => {
  const $response = { headers: { "x-amz-bucket-region": "eu-west-1" } };
  t.is(translate(answer("301", 301, { $response })).remedy, "Set the region to eu-west-1");
  t.is(
    translate(answer("PermanentRedirect", 301, { Region: "eu-north-1" })).remedy,
    "Set the region to eu-north-1",
  );
  t.is(translate(new Error("Region is missing")).code, "ARGUMENT_INVALID");
});

test("s3Error() finds a wrong clock in a refusal without reason, past a quarter of an hour", (t) => {
  const refused = (ms: number) => {
    const $response = { headers: { date: new Date(NOW_MS + ms).toUTCString() } };
    return translate(answer("403", 403, { $response })).code;
  };
  t.is(refused(15 * 60_000), "SOURCE_FORBIDDEN");
  t.is(refused(15 * 60_000 + 1000), "CLOCK_SKEW");
  t.is(refused(-15 * 60_000 - 1000), "CLOCK_SKEW");
});

test("s3Error() knows connections, timeouts and missing credentials", (t) => {
  const failing = (code: string) => Object.assign(new Error("x"), { code });
  t.is(translate(failing("ECONNREFUSED")).code, "SOURCE_UNAVAILABLE");
  t.is(translate(failing("ENOTFOUND")).code, "SOURCE_NOT_FOUND");
  t.is(translate(failing("CERT_HAS_EXPIRED")).code, "SOURCE_UNSUITABLE");
  t.is(translate(Object.assign(new Error("x"), { name: "TimeoutError" })).code, "SOURCE_UNAVAILABLE");
  const missing = translate(Object.assign(new Error("x"), { name: "CredentialsProviderError" }));
  t.is(missing.code, "SOURCE_FORBIDDEN");
  t.regex(missing.remedy ?? "", /AWS_ACCESS_KEY_ID/);
});

test("s3Error() leaves an ImportError as it is", (t) => {
  const error = new ImportError("SIZE_EXCEEDED", "x");
  t.is(translate(error), error);
});

test("answerStatus() is undefined for what never got an answer", (t) => {
  t.is(answerStatus(answer("x", 418)), 418);
  for (const error of [new Error("x"), undefined, null, "x"]) t.is(answerStatus(error), undefined);
});

test("s3Error() says bucket where a bucket was asked for and the answer has no body to tell", (t) => {
  const error = answer("NotFound", 404);
  const named = (name: string) => s3Error(error, { action: "write", name, side: "destination" }, NOW_MS);
  t.is(named("s3://b").message, 'Cannot write "s3://b" as there is no such bucket');
  t.is(named("s3://b/k").message, 'Cannot write "s3://b/k" as there is no such object');
});
