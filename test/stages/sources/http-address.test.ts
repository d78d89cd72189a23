import test from "ava";
import { parseHttpAddress } from "../../../stages/sources/http-address.ts";
import { failure } from "../../support/errors.ts";

test("parseHttpAddress() keeps secrets out of the name", (t) => {
  const { url, name, authorization } = parseHttpAddress("https://u%40x:p%3A@host:8443/a%20b?Signature=s#f");
  t.is(name, "https://host:8443/a%20b");
  t.is(url.href, "https://host:8443/a%20b?Signature=s");
  t.deepEqual(authorization, { authorization: `Basic ${btoa("u@x:p:")}` });
});

test("parseHttpAddress() drops a user without password", (t) => {
  t.deepEqual(parseHttpAddress("http://imaging@host/x").authorization, {});
});

test("parseHttpAddress() takes a password with a lone percent sign literally", (t) => {
  t.deepEqual(parseHttpAddress("http://u:100%@host/").authorization, {
    authorization: `Basic ${btoa("u:100%")}`,
  });
});

test("parseHttpAddress() throws ARGUMENT_INVALID without repeating the address", async (t) => {
  for (const address of ["", "disk.img", "ftp://secret@host/", "s3://secret/x", "http://"]) {
    const error = await failure(() => parseHttpAddress(address));
    t.is(error.code, "ARGUMENT_INVALID", address);
    t.false(error.message.includes("secret"));
  }
});
