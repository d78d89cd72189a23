import type { XmlElement, XmlVisitor } from "./xml.ts";
import {
  attributeOf,
  manifestInvalid,
  parseInteger,
  requiredChild,
  requiredIntegerAttribute,
} from "./xml-fields.ts";

/** Gathers the parts of a manifest while it is read. */
export interface PartCollector<T> extends XmlVisitor {
  /**
   * What was read of the parts below "parts" of `parent`, in the order of their "index", which counts from 0. Throws
   * MANIFEST_INVALID when an index is missing or there twice, when "count" is another, when there is no part, and what
   * reading a part threw.
   */
  inOrder(parent: XmlElement): readonly T[];
}

/**
 * Reads every part at `path` by `read` as soon as it ends. Parts may stand in any order. Only what `read` returns is
 * kept, which for a hundred thousand parts is a fraction of their elements.
 */
export function partCollector<T>(
  path: readonly string[],
  read: (part: XmlElement, index: number) => T,
): PartCollector<T> {
  const parts: { readonly index: number; readonly value: T }[] = [];
  let failed: { readonly cause: unknown } | undefined;
  return {
    path,
    visit(part) {
      if (failed !== undefined) return;
      try {
        const index = requiredIntegerAttribute(part, "index");
        parts.push({ index, value: read(part, index) });
      } catch (cause) {
        // Thrown by inOrder(): before it, whoever asked can still learn that this is another kind of document.
        failed = { cause };
      }
    },
    inOrder(parent) {
      const list = requiredChild(parent, "parts");
      if (failed !== undefined) throw failed.cause;
      parts.sort((a, b) => a.index - b.index);
      for (const [expected, { index }] of parts.entries()) {
        if (index < expected) throw manifestInvalid(`part ${index} is listed twice`);
        if (index > expected) throw manifestInvalid(`part ${expected} is missing: next index is ${index}`);
      }
      if (parts.length === 0) throw manifestInvalid("it lists no part");
      const count = attributeOf(list, "count");
      if (count !== undefined && parseInteger(count.trim(), `"count" of "parts"`) !== parts.length) {
        throw manifestInvalid(
          `it must list ${count.trim()} parts by its "count": current number is ${parts.length}`,
        );
      }
      return parts.map(({ value }) => value);
    },
  };
}
