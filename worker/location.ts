import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { ImportError } from "../pipeline/errors.ts";

/** Where something is, as a user names it. */
export type Location =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "pipe" }
  | { readonly kind: "http"; readonly url: URL }
  | { readonly kind: "s3"; readonly bucket: string; readonly key: string };

/**
 * Reads `-` (standard input or output), `s3://bucket/key`, `http://…`, `https://…`, `file:///…` or a path.
 * Throws ARGUMENT_INVALID for other schemes and for incomplete addresses.
 */
export function parseLocation(text: string): Location {
  if (text === "")
    throw invalid(text, "it is empty", "Give a path, an http(s):// or s3:// address, or - for a pipe");
  if (text === "-") return { kind: "pipe" };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  switch (scheme) {
    case undefined:
      return { kind: "file", path: text };
    case "file":
      return { kind: "file", path: fileURLToPath(text) };
    case "http":
    case "https": {
      if (!URL.canParse(text)) throw invalid(text, "it is no complete URL", "Write it as https://HOST/PATH");
      return { kind: "http", url: new URL(text) };
    }
    case "s3": {
      const match = /^s3:\/\/([^/]+)\/(.+)$/is.exec(text);
      if (match?.[1] === undefined || match[2] === undefined) {
        throw invalid(text, "bucket and key are needed", "Write it as s3://BUCKET/KEY");
      }
      return { kind: "s3", bucket: match[1], key: match[2] };
    }
    default:
      throw invalid(text, `"${scheme}" is not supported`, "Use a path, file://, http://, https:// or s3://");
  }
}

/** The location as it may be shown and typed again: without query string and user information. */
export function locationName(location: Location): string {
  switch (location.kind) {
    case "file":
      return location.path;
    case "pipe":
      return "-";
    case "http":
      return location.url.origin + location.url.pathname;
    case "s3":
      return `s3://${location.bucket}/${location.key}`;
  }
}

/** The location of a file beside this one: a part beside its manifest. */
export function siblingLocation(location: Location, fileName: string): Location {
  switch (location.kind) {
    case "file":
      return { kind: "file", path: location.path.slice(0, location.path.lastIndexOf("/") + 1) + fileName };
    case "http":
      return { kind: "http", url: new URL(encodeURIComponent(fileName), location.url) };
    case "s3":
      return { ...location, key: location.key.slice(0, location.key.lastIndexOf("/") + 1) + fileName };
    case "pipe":
      throw invalid(
        "-",
        `"${fileName}" cannot be found beside a pipe`,
        "Give the manifest as a file or address",
      );
  }
}

/** The location whose name is longer by `suffix`: a result manifest beside its result. */
export function withSuffix(location: Location, suffix: string): Location {
  switch (location.kind) {
    case "file":
      return { kind: "file", path: location.path + suffix };
    case "http": {
      const url = new URL(location.url);
      url.pathname += suffix;
      return { kind: "http", url };
    }
    case "s3":
      return { ...location, key: location.key + suffix };
    case "pipe":
      throw invalid("-", `there is no "*${suffix}" beside a pipe`, "Name the file of the result manifest");
  }
}

/** The last part of the path, without folder or prefix; empty for a pipe. */
export function locationBaseName(location: Location): string {
  const name = location.kind === "pipe" ? "" : locationName(location);
  return name.slice(name.lastIndexOf("/") + 1);
}

/** Lower-case extension with its dot, or empty. */
export function locationExtension(location: Location): string {
  return extname(locationBaseName(location)).toLowerCase();
}

function invalid(text: string, why: string, remedy: string): ImportError {
  const shown = text.replace(/\?.*$/s, "").replace(/\/\/[^/@]*@/, "//");
  return new ImportError("ARGUMENT_INVALID", `Cannot use "${shown}" as a location: ${why}`, { remedy });
}
