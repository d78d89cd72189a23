/**
 * User-info marker by which Eucalyptus tells node controllers and workers that a URL leads to a download manifest
 * (`DownloadManifestFactory`); it is no credential and must not be sent.
 */
const IMAGING_MARKER = "imaging";

/** Whether `url` carries the marker of a download manifest, as in `http://imaging@host/…`. */
export function hasImagingMarker(url: string): boolean {
  return URL.parse(url)?.username === IMAGING_MARKER;
}

/** The same URL without that marker; any other URL as it is, to the byte, as its signature may cover it. */
export function withoutImagingMarker(url: string): string {
  return hasImagingMarker(url) ? url.replace(/^([a-z][a-z0-9+.-]*:\/\/)imaging:?@/i, "$1") : url;
}

/**
 * A URL as people, logs and result manifests may see it: without user info, query and fragment, which is where
 * credentials and signatures are. Of a broken URL only the scheme is shown, as nobody can tell where its password
 * ends; text without `://`, such as a path, is returned as it is.
 */
export function publicName(url: string): string {
  const [, scheme, rest = ""] = /^([a-z][a-z0-9+.-]*:\/\/)([^]*)$/i.exec(url) ?? [];
  if (scheme === undefined) return url;
  if (!URL.canParse(url)) return `${scheme}…`;
  return scheme + rest.replace(/[?#][^]*$/, "").replace(/^[^/]*@/, "");
}
