import type { Command } from "commander";
import { DIGEST_ALGORITHM } from "../../pipeline/disk-digest.ts";
import { digestSource } from "../../worker/digest-source.ts";
import { type Location, locationName } from "../../worker/location.ts";
import { resolveSource, type SourceOptions } from "../../worker/resolve-source.ts";
import type { CommandSpec, WithAccess } from "../command.ts";
import { type AccessFlags, addAccessFlags, parseAccess } from "../options/access-flags.ts";
import { addRunFlags, runSettings, type RunFlags } from "../options/run-flags.ts";
import { addSourceFlags, parseSourceFlags, type SourceFlags } from "../options/source-flags.ts";
import { parseLocationArgument } from "../options/values.ts";

type Flags = SourceFlags & AccessFlags & RunFlags;

interface Options extends WithAccess {
  readonly location: Location;
  readonly source: SourceOptions;
}

/** The disk digest of whatever a source holds: equal for equal disks, in whatever format. */
export const digest: CommandSpec<Flags, Options> = {
  name: "digest",
  summary: "Print the disk digest of an image: the same for the same disk in any format",
  examples: [
    { line: "digest disk.qcow2", does: "digest what a guest would see of a local image" },
    { line: "digest disk.manifest.xml --key user.pem", does: "digest the image in an encrypted bundle" },
    { line: "digest - --from raw < disk.raw", does: "digest standard input" },
  ],
  declare(command: Command) {
    command.argument("<source>", "path, http(s):// or s3:// address, or - for standard input");
    addSourceFlags(command);
    addAccessFlags(command);
    addRunFlags(command);
  },
  async parse(args, flags, environment) {
    const location = parseLocationArgument(args, 0);
    return {
      location,
      source: await parseSourceFlags(flags, location, environment),
      access: parseAccess(flags, environment),
      settings: runSettings(flags),
    };
  },
  async run({ location, source: options, access, settings }, session) {
    const found = await session.run(settings, async (context) => {
      await using source = await resolveSource(location, options, access, context);
      return await digestSource(source, context);
    });
    const name = locationName(location);
    return {
      value: {
        source: name,
        algorithm: DIGEST_ALGORITHM,
        digest: found.digest,
        virtualSizeBytes: found.sizeBytes,
      },
      // As sha256sum prints it, with the algorithm in front: it is no plain SHA-256.
      text: `${DIGEST_ALGORITHM}:${found.digest}  ${name}`,
    };
  },
};
