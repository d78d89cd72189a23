import { isUtf8 } from "node:buffer";
import { SaxesParser } from "saxes";
import { ImportError } from "../pipeline/errors.ts";
import { formatBytes } from "../pipeline/units.ts";

/** One element of a manifest. Comments and processing instructions are left out, CDATA is text. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: readonly XmlAttribute[];
  /** The element's own text without white space at both ends; empty for one that holds only elements. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

export interface XmlAttribute {
  readonly name: string;
  readonly value: string;
}

/** What a document may cost. Passing any of them is MANIFEST_TOO_LARGE, as soon as it is seen. */
export interface XmlLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
  readonly maxElements: number;
  /** Children of one element, which in every manifest means parts. */
  readonly maxChildren: number;
  readonly maxAttributes: number;
  /** Bytes from one `<` to the next (a tag and the text that follows) or of a comment; characters of a whole text. */
  readonly maxTokenBytes: number;
}

/** Takes elements one by one as they end, which are then not kept: there may be very many of them. */
export interface XmlVisitor {
  /** Names from the root to the element. */
  readonly path: readonly string[];
  visit(element: XmlElement): void;
}

/** Nearly 1 TiB in the 10 MiB parts that every known tool writes by default; AMI bundles were made for 10 GiB. */
export const DEFAULT_MAX_PARTS = 100_000;

export const DEFAULT_XML_LIMITS: XmlLimits = {
  /** Room for {@link DEFAULT_MAX_PARTS} parts with three signed URLs of 200 bytes each. */
  maxBytes: 64 * 1024 ** 2,
  /** Five are used (manifest, image, parts, part, digest). */
  maxDepth: 32,
  /** The part itself, at most five elements in it, and the rest. */
  maxElements: 6 * DEFAULT_MAX_PARTS + 1000,
  maxChildren: DEFAULT_MAX_PARTS,
  /** Two are used (start and end of a byte range). */
  maxAttributes: 16,
  /** Far above a URL with a session token (4 KiB) or a key wrapped for RSA-16384 (4 KiB in hex). */
  maxTokenBytes: 64 * 1024,
};

/** Text handed to the tokenizer at a time: its strings are slices of it, so it should not outlive them by much. */
const SLICE_BYTES = 64 * 1024;

/** Distinct names worth keeping once; all manifests together use fewer. */
const MAX_SHARED_NAMES = 256;

const NONE: readonly never[] = Object.freeze([]);

/**
 * Reads an XML 1.0 document of elements, attributes and text. There is no DTD, so the only entities are the five
 * of XML itself and character references. Encodings are UTF-8 and its part ASCII.
 *
 * Takes about five times the memory of a manifest's text, less what a `visitor` takes out of the tree, and less than
 * 128 MiB for any text that the default limits refuse (measured by its test).
 * Throws MANIFEST_INVALID for what is not such a document, MANIFEST_TOO_LARGE for one past the limits.
 */
export function parseXml(
  text: Uint8Array,
  limits: Partial<XmlLimits> = {},
  visitor?: XmlVisitor,
): XmlElement {
  const bounds = { ...DEFAULT_XML_LIMITS, ...limits };
  if (text.byteLength > bounds.maxBytes) {
    throw tooLarge(`it has ${formatBytes(text.byteLength)}`, formatBytes(bounds.maxBytes));
  }
  const tree = treeBuilder(bounds, visitor);
  for (const slice of slices(Buffer.from(text.buffer, text.byteOffset, text.byteLength), bounds)) {
    tree.write(slice);
  }
  return tree.close();
}

interface Open {
  readonly name: string;
  readonly attributes: readonly XmlAttribute[];
  text: string;
  children: XmlElement[] | undefined;
  /** Also of those that were visited and not kept. */
  childCount: number;
}

function treeBuilder(
  bounds: XmlLimits,
  visitor: XmlVisitor | undefined,
): { write(slice: string): void; close(): XmlElement } {
  const parser = new SaxesParser({ forceXMLVersion: true, defaultXMLVersion: "1.0" });
  const names = new Map<string, string>();
  const stack: Open[] = [];
  let root: XmlElement | undefined;
  let elementCount = 0;
  let attributes: readonly XmlAttribute[] = NONE;

  // The tokenizer cuts every name anew; a hundred thousand parts would hold as many copies of "filename".
  function shared(name: string): string {
    const known = names.get(name);
    if (known !== undefined) return known;
    if (names.size < MAX_SHARED_NAMES) names.set(name, name);
    return name;
  }

  parser.on("error", (error) => {
    throw new ImportError("MANIFEST_INVALID", `Cannot read the manifest as XML: ${reason(error)}`, {
      remedy: "Fetch the manifest again, and check that it is complete",
    });
  });
  parser.on("xmldecl", ({ encoding = "UTF-8" }) => {
    if (!/^(utf-?8|(us-)?ascii)$/i.test(encoding)) {
      throw invalid(`its encoding must be UTF-8 or ASCII: current encoding is "${encoding.slice(0, 40)}"`);
    }
  });
  // Seen before the tag that holds them. The tokenizer refuses an attribute that is there twice.
  parser.on("attribute", ({ name, value }) => {
    if (attributes.length >= bounds.maxAttributes) {
      throw tooLarge("an element goes on", `${bounds.maxAttributes} attributes`);
    }
    const attribute = { name: shared(name), value };
    // Literals have no room for more, of which push() on an empty array leaves sixteen places.
    attributes = attributes.length === 0 ? [attribute] : [...attributes, attribute];
  });
  parser.on("opentag", (tag) => {
    elementCount++;
    if (elementCount > bounds.maxElements) throw tooLarge("it goes on", `${bounds.maxElements} elements`);
    if (stack.length >= bounds.maxDepth) throw tooLarge("it goes deeper", `a depth of ${bounds.maxDepth}`);
    stack.push({
      name: shared(tag.name),
      attributes,
      text: "",
      children: undefined,
      childCount: 0,
    });
    attributes = NONE;
  });
  const addText = (piece: string): void => {
    const open = stack.at(-1);
    if (open === undefined || (open.text === "" && !/\S/.test(piece))) return;
    // A text in very many pieces, with comments between, would cost a string object for each.
    if (open.text.length + piece.length > bounds.maxTokenBytes) {
      throw tooLarge("an element's text goes on", `${bounds.maxTokenBytes} characters`);
    }
    open.text += piece;
  };
  parser.on("text", addText);
  parser.on("cdata", addText);
  parser.on("closetag", () => {
    const open = stack.pop();
    if (open === undefined) return;
    const { name, attributes, text } = open;
    // A copy has no room for more, of which push() leaves a lot: the half of what a part takes.
    const children = open.children?.slice() ?? NONE;
    const element: XmlElement = { name, attributes, text: text.trim(), children };
    const parent = stack.at(-1);
    if (parent === undefined) {
      root = element;
      return;
    }
    parent.childCount++;
    if (parent.childCount > bounds.maxChildren) {
      throw tooLarge(`"${parent.name.slice(0, 40)}" goes on`, `${bounds.maxChildren} parts`);
    }
    if (visitor !== undefined && isAt(visitor.path, stack, name)) visitor.visit(element);
    else (parent.children ??= []).push(element);
  });

  return {
    write: (slice) => void parser.write(slice),
    close() {
      parser.close();
      if (root === undefined) throw invalid("it holds no element");
      return root;
    },
  };
}

function isAt(path: readonly string[], stack: readonly Open[], name: string): boolean {
  return (
    path.length === stack.length + 1 &&
    path.at(-1) === name &&
    stack.every((open, depth) => open.name === path[depth])
  );
}

/**
 * Cuts the text before a `<`, so that no character is cut, and measures every token before the tokenizer, which
 * gathers attributes, text and comments without a bound of its own, sees it.
 */
function* slices(text: Buffer, bounds: XmlLimits): Generator<string> {
  for (let start = 0; start < text.byteLength;) {
    let end = start;
    while (end < text.byteLength && end - start < SLICE_BYTES) {
      const next = tokenEnd(text, end);
      if (next - end > bounds.maxTokenBytes) {
        throw tooLarge(
          `a tag, text or comment at byte ${end} has ${formatBytes(next - end)}`,
          formatBytes(bounds.maxTokenBytes),
        );
      }
      end = next;
    }
    const slice = text.subarray(start, end);
    if (!isUtf8(slice)) throw invalid(`it is not UTF-8 text between the bytes ${start} and ${end}`);
    yield slice.toString("utf8");
    start = end;
  }
}

const LESS_THAN = 0x3c;
const EXCLAMATION_MARK = 0x21;
const QUESTION_MARK = 0x3f;

/** Only comments, CDATA and processing instructions can hold a `<` that starts nothing. */
const CLOSERS = [
  { opener: "<!--", closer: "-->" },
  { opener: "<![CDATA[", closer: "]]>" },
  { opener: "<?", closer: "?>" },
];

function tokenEnd(text: Buffer, at: number): number {
  const second = text[at + 1];
  if (text[at] === LESS_THAN && (second === EXCLAMATION_MARK || second === QUESTION_MARK)) {
    return markupEnd(text, at);
  }
  const next = text.indexOf(LESS_THAN, at + 1);
  return next === -1 ? text.byteLength : next;
}

function markupEnd(text: Buffer, at: number): number {
  for (const { opener, closer } of CLOSERS) {
    if (text.toString("latin1", at, at + opener.length) !== opener) continue;
    const closerAt = text.indexOf(closer, at + opener.length, "latin1");
    return closerAt === -1 ? text.byteLength : closerAt + closer.length;
  }
  throw invalid(`it holds a document type or another declaration, at byte ${at}, where none is allowed`);
}

/** The tokenizer's words, such as `3:14: undefined entity.`, as a part of a sentence. */
function reason(error: Error): string {
  return error.message.replace(/\.$/, "").slice(0, 200);
}

function invalid(why: string): ImportError {
  return new ImportError("MANIFEST_INVALID", `Cannot read the manifest as ${why}`, {
    remedy: "Check that this file is a manifest, and fetch it again",
  });
}

function tooLarge(found: string, wanted: string): ImportError {
  return new ImportError(
    "MANIFEST_TOO_LARGE",
    `Cannot read the manifest as ${found} where at most ${wanted} may be`,
    {
      remedy:
        "Check that this file is a manifest; an image of very many parts must be made again with larger ones",
    },
  );
}
