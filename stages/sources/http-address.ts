import { unescape } from "node:querystring"; // unlike decodeURIComponent it takes a lone % for itself
import { ImportError } from "../../pipeline/errors.ts";

/** An address taken apart into what is used and what is shown. */
export interface HttpAddress {
  readonly url: URL;
  /** Origin and path: the query may be a signature. */
  readonly name: string;
  readonly authorization: Readonly<Record<string, string>>;
}

/** Throws ARGUMENT_INVALID, without repeating the text, which may hold a password. */
export function parseHttpAddress(address: string | URL): HttpAddress {
  const url = URL.parse(String(address));
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new ImportError(
      "ARGUMENT_INVALID",
      "Cannot use an address that does not begin with http:// or https://",
      {
        remedy: "Give an address such as https://images.example.com/disk.img",
      },
    );
  }
  const { username, password } = url;
  url.username = url.password = url.hash = "";
  const token = Buffer.from(`${unescape(username)}:${unescape(password)}`).toString("base64");
  return {
    url,
    name: `${url.origin}${url.pathname}`,
    authorization: password === "" ? {} : { authorization: `Basic ${token}` },
  };
}
