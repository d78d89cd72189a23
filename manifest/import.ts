import { requireRoot } from "./kind.ts";
import { partCollector } from "./parts.ts";
import { type XmlElement, type XmlLimits, parseXml } from "./xml.ts";
import {
  childOf,
  manifestInvalid,
  present,
  quoted,
  requiredChild,
  requiredInteger,
  requiredIntegerAttribute,
  requiredText,
  requiredUrl,
  textOf,
  urlOf,
} from "./xml-fields.ts";
import { xmlWriter } from "./xml-writer.ts";

/** The manifest of an uploaded disk image for ImportVolume and ImportInstance. It is neither signed nor digested. */
export interface ImportManifest {
  readonly fileFormat: ImportFileFormat;
  /** Who wrote it; free text. */
  readonly importer: { readonly name: string; readonly version: string; readonly release: string };
  /** Signed URL that deletes the manifest. A secret, as are all URLs here. */
  readonly selfDestructUrl?: string;
  /**
   * For RAW the length of the file. For others the virtual capacity (euca2ools) or the length of the file (AWS
   * tools), so never the sum of the parts without knowing who wrote it.
   */
  readonly sizeBytes: number;
  readonly volumeSizeGib: number;
  /** In order, without gaps, from byte 0 on; at least one. */
  readonly parts: readonly ImportPart[];
}

export type ImportFileFormat = "RAW" | "VMDK" | "VHD";

export interface ImportPart {
  readonly index: number;
  /** Offset in the file. */
  readonly startByte: number;
  /** Offset of the part's last byte; one less than `startByte` for an empty part. */
  readonly endByteInclusive: number;
  /** Whole key of the object, without its bucket. */
  readonly key: string;
  readonly headUrl: string;
  readonly getUrl: string;
  /** AWS calls it optional. */
  readonly deleteUrl?: string;
}

const FORMATS: ReadonlySet<string> = new Set<ImportFileFormat>(["RAW", "VMDK", "VHD"]);

/**
 * Reads the import manifest of euca2ools and of the AWS tools. Byte ranges must follow one another; one whose end is
 * the size of the file is clamped, as an official example has it so. For RAW they must add up to the size.
 * Throws MANIFEST_INVALID, MANIFEST_TOO_LARGE. Source: euca2ools `commands/ec2/resumeimport.py`, EC2 user guide.
 */
export function parseImportManifest(text: Uint8Array, limits?: Partial<XmlLimits>): ImportManifest {
  const collector = partCollector(["manifest", "import", "parts", "part"], parsePart);
  const root = requireRoot(parseXml(text, limits, collector), "import");
  const importer = childOf(root, "importer");
  const content = requiredChild(root, "import");
  const fileFormat = parseFormat(requiredText(root, "file-format"));
  const sizeBytes = requiredInteger(content, "size");
  const parts = contiguous(collector.inOrder(content), sizeBytes);
  const endByte = (parts.at(-1)?.endByteInclusive ?? -1) + 1;
  if (fileFormat === "RAW" && endByte !== sizeBytes) {
    throw manifestInvalid(`its parts must make up ${sizeBytes} bytes: current sum is ${endByte}`);
  }
  return {
    fileFormat,
    importer: {
      name: (importer && textOf(importer, "name")) ?? "",
      version: (importer && textOf(importer, "version")) ?? "",
      release: (importer && textOf(importer, "release")) ?? "",
    },
    ...present("selfDestructUrl", urlOf(root, "self-destruct-url")),
    sizeBytes,
    volumeSizeGib: requiredInteger(content, "volume-size"),
    parts,
  };
}

function parseFormat(text: string): ImportFileFormat {
  const format = text.toUpperCase();
  if (!isFormat(format)) {
    throw manifestInvalid(`"file-format" must be RAW, VMDK or VHD: current value is ${quoted(text)}`);
  }
  return format;
}

function isFormat(text: string): text is ImportFileFormat {
  return FORMATS.has(text);
}

function parsePart(part: XmlElement, index: number): ImportPart {
  const range = requiredChild(part, "byte-range");
  return {
    index,
    startByte: requiredIntegerAttribute(range, "start"),
    endByteInclusive: requiredIntegerAttribute(range, "end"),
    key: requiredText(part, "key"),
    headUrl: requiredUrl(part, "head-url"),
    getUrl: requiredUrl(part, "get-url"),
    ...present("deleteUrl", urlOf(part, "delete-url")),
  };
}

function contiguous(parts: readonly ImportPart[], sizeBytes: number): readonly ImportPart[] {
  let offset = 0;
  return parts.map((stated, index) => {
    const isLast = index === parts.length - 1;
    const part =
      isLast && stated.endByteInclusive === sizeBytes
        ? { ...stated, endByteInclusive: sizeBytes - 1 }
        : stated;
    const { startByte, endByteInclusive } = part;
    if (startByte !== offset) {
      throw manifestInvalid(`part ${index} must start at byte ${offset}: current start is ${startByte}`);
    }
    if (endByteInclusive < startByte - (isLast ? 1 : 0)) {
      throw manifestInvalid(
        `part ${index} ends at byte ${endByteInclusive}, before its start at byte ${startByte}`,
      );
    }
    offset = endByteInclusive + 1;
    return part;
  });
}

const xml = xmlWriter("utf-8");

/** Writes what AWS and Eucalyptus accept, with euca2ools' order of elements; compact, as nothing depends on the form. */
export function formatImportManifest(manifest: ImportManifest): Uint8Array {
  const { importer, selfDestructUrl, parts } = manifest;
  const root = xml.element("manifest", [
    xml.text("version", "2010-11-15"),
    xml.text("file-format", manifest.fileFormat),
    xml.element("importer", [
      xml.text("name", importer.name),
      xml.text("version", importer.version),
      xml.text("release", importer.release),
    ]),
    ...(selfDestructUrl === undefined ? [] : [xml.text("self-destruct-url", selfDestructUrl)]),
    xml.element("import", [
      xml.text("size", manifest.sizeBytes),
      xml.text("volume-size", manifest.volumeSizeGib),
      xml.element("parts", parts.map(formatPart), { count: parts.length }),
    ]),
  ]);
  return Buffer.from(`<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n${root}`);
}

function formatPart(part: ImportPart): string {
  return xml.element(
    "part",
    [
      xml.element("byte-range", [], { start: part.startByte, end: part.endByteInclusive }),
      xml.text("key", part.key),
      xml.text("head-url", part.headUrl),
      xml.text("get-url", part.getUrl),
      ...(part.deleteUrl === undefined ? [] : [xml.text("delete-url", part.deleteUrl)]),
    ],
    { index: part.index },
  );
}
