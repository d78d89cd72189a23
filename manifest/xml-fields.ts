import { ImportError } from "../pipeline/errors.ts";
import { withoutImagingMarker } from "./url.ts";
import type { XmlElement } from "./xml.ts";

/**
 * Readers of single values out of a manifest. All throw MANIFEST_INVALID, naming the element, when what they are
 * asked for is not there, is there twice or has another form. Elements are found by name, as writers differ in order.
 */

export function manifestInvalid(why: string, cause?: unknown): ImportError {
  return new ImportError("MANIFEST_INVALID", `Cannot read the manifest as ${why}`, {
    remedy: "Check the manifest with whoever made it, or make it again",
    cause,
  });
}

/** A value from a manifest as it may stand in a message: quoted, without control characters, of bounded length. */
export function quoted(value: string): string {
  const text = value.length > 80 ? `${value.slice(0, 80)}…` : value;
  return JSON.stringify(text).replaceAll(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The element for a message, with its index where it has one: `"part" 3`. */
function nameOf(element: XmlElement): string {
  const index = attributeOf(element, "index");
  return quoted(element.name) + (index === undefined ? "" : ` ${quoted(index)}`);
}

export function childrenOf(parent: XmlElement, name: string): readonly XmlElement[] {
  return parent.children.filter((child) => child.name === name);
}

/** The one child of that name; undefined when there is none. */
export function childOf(parent: XmlElement, name: string): XmlElement | undefined {
  let found: XmlElement | undefined;
  for (const child of parent.children) {
    if (child.name !== name) continue;
    if (found !== undefined) throw manifestInvalid(`${nameOf(parent)} holds "${name}" twice`);
    found = child;
  }
  return found;
}

export function requiredChild(parent: XmlElement, name: string): XmlElement {
  const child = childOf(parent, name);
  if (child === undefined) throw manifestInvalid(`${nameOf(parent)} holds no "${name}"`);
  return child;
}

export function attributeOf(element: XmlElement, name: string): string | undefined {
  return element.attributes.find((attribute) => attribute.name === name)?.value;
}

/** The text of a child; undefined when the child is missing or empty, which all writers mean alike. */
export function textOf(parent: XmlElement, name: string): string | undefined {
  return childOf(parent, name)?.text || undefined;
}

export function requiredText(parent: XmlElement, name: string): string {
  const { text } = requiredChild(parent, name);
  if (text === "") throw manifestInvalid(`"${name}" of ${nameOf(parent)} is empty`);
  return text;
}

/** A non-negative safe integer in decimal digits. `what` names it in the message. */
export function parseInteger(text: string, what: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw manifestInvalid(`${what} must be a whole number below 2^53: current value is ${quoted(text)}`);
  }
  return value;
}

export function requiredInteger(parent: XmlElement, name: string): number {
  return parseInteger(requiredText(parent, name), `"${name}" of ${nameOf(parent)}`);
}

export function requiredIntegerAttribute(element: XmlElement, name: string): number {
  const text = attributeOf(element, name);
  if (text === undefined) throw manifestInvalid(`${nameOf(element)} has no attribute "${name}"`);
  return parseInteger(text.trim(), `"${name}" of ${nameOf(element)}`);
}

/** Hexadecimal digits of either case as bytes. */
export function parseHex(text: string, what: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) {
    throw manifestInvalid(`${what} must be pairs of hexadecimal digits: current value is ${quoted(text)}`);
  }
  return Uint8Array.from(Buffer.from(text, "hex"));
}

/** The hexadecimal text of a child as bytes; undefined when the child is missing or empty. */
export function hexOf(parent: XmlElement, name: string): Uint8Array | undefined {
  const text = textOf(parent, name);
  return text === undefined ? undefined : parseHex(text, `"${name}" of ${nameOf(parent)}`);
}

/** Lower-case SHA-1 of the child "digest"; undefined when it is missing. No other algorithm is in use or accepted. */
export function sha1Of(parent: XmlElement): string | undefined {
  const digest = childOf(parent, "digest");
  if (digest === undefined || digest.text === "") return undefined;
  const algorithm = attributeOf(digest, "algorithm") ?? "SHA1";
  if (!/^sha-?1$/i.test(algorithm)) {
    throw manifestInvalid(
      `the digest of ${nameOf(parent)} must be of SHA1: current algorithm is ${quoted(algorithm)}`,
    );
  }
  if (!/^[0-9a-f]{40}$/i.test(digest.text)) {
    throw manifestInvalid(
      `the digest of ${nameOf(parent)} must be 40 hexadecimal digits: current value is ${quoted(digest.text)}`,
    );
  }
  return digest.text.toLowerCase();
}

/** An http or https URL, undefined when there is none. It is never shown, as its query is a credential. */
export function urlOf(parent: XmlElement, name: string): string | undefined {
  const text = textOf(parent, name);
  if (text === undefined) return undefined;
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? "")) {
    throw manifestInvalid(`"${name}" of ${nameOf(parent)} must be an http or https URL`);
  }
  return withoutImagingMarker(text);
}

export function requiredUrl(parent: XmlElement, name: string): string {
  const url = urlOf(parent, name);
  if (url === undefined) throw manifestInvalid(`${nameOf(parent)} holds no "${name}"`);
  return url;
}

/** For optional properties: `{ [key]: value }`, or nothing when `value` is undefined. */
export function present<K extends string, V>(
  key: K,
  value: V | undefined,
): { readonly [k in K]?: Exclude<V, undefined> } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a computed key loses its literal type
  return (value === undefined ? {} : { [key]: value }) as { readonly [k in K]?: Exclude<V, undefined> };
}
