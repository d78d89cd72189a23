import { manifestInvalid, quoted } from "./xml-fields.ts";

/** Longest name that Linux file systems hold (NAME_MAX of limits.h). */
const MAX_NAME_BYTES = 255;

/**
 * Whether a name from a manifest may be joined to a folder or a key prefix: one component, not `.` or `..`, and
 * without control characters, which could also deceive a terminal (euca-unbundle joined such names unchecked).
 */
export function isPlainFileName(name: string): boolean {
  return (
    name !== "" &&
    name !== "." &&
    name !== ".." &&
    Buffer.byteLength(name) <= MAX_NAME_BYTES &&
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    !/[/\\\u0000-\u001f\u007f-\u009f]/.test(name)
  );
}

/** Returns `name` when it is plain, and throws MANIFEST_INVALID when it is not; `what` says whose name it is. */
export function plainFileName(name: string, what: string): string {
  if (!isPlainFileName(name)) {
    throw manifestInvalid(`the name of ${what} must be a plain file name: current name is ${quoted(name)}`);
  }
  return name;
}
