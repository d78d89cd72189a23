/** How characters outside ASCII are written: as character references, or as they are in UTF-8. */
export type XmlCharset = "ascii" | "utf-8";

export interface XmlWriter {
  /** An element with text, escaped. An empty text gives `<name/>`. */
  text(name: string, text: string | number, attributes?: Readonly<Record<string, string | number>>): string;
  /** An element around elements that are written already. An empty content gives `<name/>`. */
  element(
    name: string,
    content: readonly string[],
    attributes?: Readonly<Record<string, string | number>>,
  ): string;
}

/**
 * Writes elements without white space between them, attributes in the order given and in double quotes, as libxml2
 * (euca2ools) and the JDK (Eucalyptus) do; signatures cover these very bytes.
 * Throws RangeError for characters that XML 1.0 cannot hold.
 */
export function xmlWriter(charset: XmlCharset): XmlWriter {
  const escape = (text: string): string => {
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text) || !text.isWellFormed()) {
      throw new RangeError("Cannot write a text with characters that XML does not allow");
    }
    const escaped = text
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll("\r", "&#13;");
    if (charset === "utf-8") return escaped;
    return escaped.replaceAll(/[\u0080-\u{10ffff}]/gu, (character) => `&#${character.codePointAt(0)};`);
  };
  const escapeAttribute = (text: string): string =>
    escape(text).replaceAll('"', "&quot;").replaceAll("\n", "&#10;").replaceAll("\t", "&#9;");
  const tag = (name: string, attributes: Readonly<Record<string, string | number>>): string =>
    name +
    Object.entries(attributes)
      .map(([key, value]) => ` ${key}="${escapeAttribute(String(value))}"`)
      .join("");
  const wrap: XmlWriter["element"] = (name, content, attributes = {}) => {
    const inside = content.join("");
    return inside === "" ? `<${tag(name, attributes)}/>` : `<${tag(name, attributes)}>${inside}</${name}>`;
  };
  return {
    element: wrap,
    text: (name, text, attributes) => wrap(name, [escape(String(text))], attributes),
  };
}
