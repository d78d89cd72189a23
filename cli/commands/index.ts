import type { AnyCommand } from "../command.ts";
import { bundle } from "./bundle.ts";
import { compare } from "./compare.ts";
import { convert } from "./convert.ts";
import { deleteBundle } from "./delete-bundle.ts";
import { digest } from "./digest.ts";
import { doctor } from "./doctor.ts";
import { downloadAndUnbundle } from "./download-and-unbundle.ts";
import { downloadBundle } from "./download-bundle.ts";
import { inspect } from "./inspect.ts";
import { unbundle } from "./unbundle.ts";
import { uploadBundle } from "./upload-bundle.ts";
import { verify } from "./verify.ts";

/** Every command, in the order of `diskferry --help`. */
export const COMMANDS: readonly AnyCommand[] = [
  convert,
  inspect,
  digest,
  verify,
  compare,
  bundle,
  unbundle,
  uploadBundle,
  downloadBundle,
  downloadAndUnbundle,
  deleteBundle,
  doctor,
];
