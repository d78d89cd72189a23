import test from "ava";
import { BusyError, changed, httpStatusError } from "../../../stages/sources/http-errors.ts";

const plain = new URL("http://host/disk.img");

test("httpStatusError() tells when a signed address expired, by the server's clock", (t) => {
  const date = new Date().toUTCString();
  for (const query of [
    "AWSAccessKeyId=A&Expires=1000000000&Signature=hidden",
    "X-Amz-Date=20010909T004640Z&X-Amz-Expires=3600&X-Amz-Signature=hidden",
  ]) {
    const error = httpStatusError(403, { date }, new URL(`http://host/part?${query}`), "part");
    t.is(error.code, "SOURCE_FORBIDDEN");
    t.is(
      error.message,
      'Cannot read "part" as the server answered 403 and its signature expired at 2001-09-09T01:46:40.000Z',
    );
    t.regex(error.remedy ?? "", /newly signed/);
  }
});

test("httpStatusError() fails with CLOCK_SKEW when a signed address meets another clock", (t) => {
  const url = new URL(`http://host/part?Expires=${Math.floor(Date.now() / 1000) + 600}&Signature=x`);
  const at = (ms: number) =>
    httpStatusError(403, { date: new Date(Date.now() + ms).toUTCString() }, url, "part").code;
  t.is(at(14 * 60_000), "SOURCE_FORBIDDEN");
  t.is(at(16 * 60_000), "CLOCK_SKEW");
  t.is(at(-16 * 60_000), "CLOCK_SKEW");
  t.is(httpStatusError(403, {}, url, "part").code, "SOURCE_FORBIDDEN");
});

test("httpStatusError() survives signatures that make no sense", (t) => {
  for (const query of [
    "Expires=1e400&Signature=",
    "Expires=1e300&Signature=",
    "X-Amz-Date=20019909T004640Z&X-Amz-Expires=1",
  ]) {
    t.is(httpStatusError(403, {}, new URL(`http://host/?${query}`), "part").code, "SOURCE_FORBIDDEN");
  }
});

test("httpStatusError() reads Retry-After as seconds or a date, within reason", (t) => {
  const wait = (header?: string) => {
    const error = httpStatusError(503, header === undefined ? {} : { "retry-after": header }, plain, "file");
    return error instanceof BusyError ? error.retryAfterMs : undefined;
  };
  t.is(wait(), 0);
  t.is(wait("3"), 3000);
  t.is(wait("99999999"), 60_000);
  t.is(wait("soon"), 0);
  t.is(wait("Mon, 01 Jan 2001 00:00:00 GMT"), 0);
  const dated = wait(new Date(Date.now() + 30_000).toUTCString()) ?? 0;
  t.true(dated > 25_000 && dated <= 30_000);
});

test("changed() says what changed", (t) => {
  t.is(changed("file").code, "SOURCE_CHANGED");
  t.regex(changed("file", "its size was 1 and is 2 now").message, /"file" as its size was 1/);
});
