import { defined } from "../pipeline/defined.ts";
import { ImportError } from "../pipeline/errors.ts";

/** What `qemu-img info` says of an image. */
export interface ImageInfo {
  readonly virtualSizeBytes: number;
  /** Space its file takes on disk. */
  readonly allocatedBytes: number;
  /** VMDK: "monolithicSparse" and others. */
  readonly createType?: string;
  /** What the image wants to have read besides itself; no import may follow these. */
  readonly backingFile?: string;
  readonly dataFile?: string;
  readonly isEncrypted: boolean;
  /** The writer did not close the image properly. */
  readonly isDirty: boolean;
  readonly isCorrupt: boolean;
}

/** What `qemu-img measure` says: bytes the result will take if only what has data is written, and if all of it is. */
export interface ImageMeasure {
  readonly requiredBytes: number;
  readonly fullyAllocatedBytes: number;
}

/** What `qemu-img check` says. */
export interface ImageCheck {
  readonly errorCount: number;
  /** Space that is used by nothing: waste, no damage. */
  readonly leakCount: number;
  readonly corruptionCount: number;
}

export function parseInfo(json: string): ImageInfo {
  const info = record(parse(json, "info"), "info");
  const specific = record(record(info["format-specific"] ?? {}, "info").data ?? {}, "info");
  return {
    virtualSizeBytes: byteCount(info["virtual-size"], "info", "virtual-size"),
    allocatedBytes: byteCount(info["actual-size"] ?? 0, "info", "actual-size"),
    ...defined({
      createType: text(specific["create-type"]),
      backingFile: text(info["full-backing-filename"] ?? info["backing-filename"]),
      dataFile: text(specific["data-file"]),
    }),
    isEncrypted: info.encrypted === true,
    isDirty: info["dirty-flag"] === true,
    isCorrupt: specific.corrupt === true,
  };
}

export function parseMeasure(json: string): ImageMeasure {
  const measure = record(parse(json, "measure"), "measure");
  return {
    requiredBytes: byteCount(measure.required, "measure", "required"),
    fullyAllocatedBytes: byteCount(measure["fully-allocated"], "measure", "fully-allocated"),
  };
}

export function parseCheck(json: string): ImageCheck {
  const check = record(parse(json, "check"), "check");
  return {
    errorCount: byteCount(check["check-errors"] ?? 0, "check", "check-errors"),
    leakCount: byteCount(check.leaks ?? 0, "check", "leaks"),
    corruptionCount: byteCount(check.corruptions ?? 0, "check", "corruptions"),
  };
}

function parse(json: string, command: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw unreadable(command, "it is not JSON", error);
  }
}

function record(value: unknown, command: string): Record<string, unknown> {
  if (isRecord(value)) return value;
  throw unreadable(command, "it is not the object that was wanted");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function byteCount(value: unknown, command: string, key: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw unreadable(command, `"${key}" is no byte count`);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function unreadable(command: string, why: string, cause?: unknown): ImportError {
  return new ImportError("PROGRAM_FAILED", `Cannot use the output of "qemu-img ${command}" as ${why}`, {
    cause,
    remedy: "Look with diskferry doctor whether this is a qemu-img that diskferry knows",
  });
}
