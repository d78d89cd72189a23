import { ImportError } from "../pipeline/errors.ts";
import type { ImageFile } from "./qemu-node.ts";

/**
 * What it means that a qemu program, which ends with 1 whatever is wrong, could not open an image of which we know that the
 * file can be read. `said` is its stderr; the two wordings are those of qemu 7.2 to 10, and without them IMAGE_CORRUPT is
 * said, with qemu's own words.
 */
export function openError(image: ImageFile, said: string): ImportError {
  const { path, format } = image;
  // block/vhdx-log.c, vhdx_parse_log(); replaying would write to the source, which nobody asked for.
  if (said.includes("log that needs to be replayed")) {
    return new ImportError(
      "SOURCE_UNSUITABLE",
      `Cannot open "${path}" as its VHDX log holds changes that were never applied, and applying them would write to it`,
      { remedy: "Apply them to a copy with: qemu-img check -f vhdx -r all COPY" },
    );
  }
  // block/file-posix.c, raw_check_lock_bytes()
  if (said.includes("Is another process using the image")) {
    return new ImportError("SOURCE_UNSUITABLE", `Cannot open "${path}" as another process writes to it`, {
      remedy: "Shut down the machine that runs from it, or take a snapshot",
    });
  }
  // How qemu names the image says nothing that the path does not.
  const reason = said.replace(/'json:\{.*\}'/, `"${path}"`);
  return new ImportError("IMAGE_CORRUPT", `Cannot open "${path}" as ${format}: ${reason}`, {
    remedy: "Check that the image is complete and of this format",
  });
}
