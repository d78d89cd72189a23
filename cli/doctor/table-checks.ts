import { CONVERTERS } from "../../converters/index.ts";
import { DISK_FORMATS } from "../../pipeline/disk-format.ts";
import { ERRORS } from "../../pipeline/errors.ts";
import { EXIT_STATUS_OF } from "../exit-status.ts";
import type { Check } from "./check.ts";

/** The compiler proves most of it; what is installed may nevertheless be a mixture of two versions. */
export const tables: Check = {
  name: "tables",
  look() {
    const wanted = Object.keys(DISK_FORMATS);
    const missing = [
      ...wanted.filter((format) => !(format in CONVERTERS)).map((format) => `a converter to ${format}`),
      ...Object.keys(ERRORS)
        .filter((code) => !(code in EXIT_STATUS_OF))
        .map((code) => `an exit status of ${code}`),
    ];
    const ok = missing.length === 0;
    return Promise.resolve({
      ok,
      detail: ok
        ? `${wanted.length} formats have converters, ${Object.keys(ERRORS).length} errors have exit statuses`
        : `there is no ${missing.join(", no ")}`,
      ...(ok ? {} : { fix: "Install diskferry anew" }),
    });
  },
};
