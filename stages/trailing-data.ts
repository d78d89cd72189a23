import { ImportError } from "../pipeline/errors.ts";

/** For data of `kind` that ended at byte `position` although its input went on. */
export function trailingData(kind: string, position: number): ImportError {
  return new ImportError(
    "TRAILING_DATA",
    `Cannot accept ${kind} data as it ended at byte ${position} and other bytes follow`,
    { remedy: "Cut the file at that byte if what follows does not belong to it" },
  );
}
