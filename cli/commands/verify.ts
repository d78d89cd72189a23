import type { Command } from "commander";
import { defined } from "../../pipeline/defined.ts";
import type { Location } from "../../worker/location.ts";
import { locationName } from "../../worker/location.ts";
import { verifyResult, type VerifyOptions } from "../../worker/verify-result.ts";
import type { CommandSpec, WithAccess } from "../command.ts";
import { type AccessFlags, addAccessFlags, parseAccess } from "../options/access-flags.ts";
import { addRunFlags, runSettings, type RunFlags } from "../options/run-flags.ts";
import { locationValue, parseLocationArgument, readCertificate } from "../options/values.ts";
import { parseSourceFlags } from "../options/source-flags.ts";
import { factsText } from "../table.ts";

interface Flags extends AccessFlags, RunFlags {
  readonly manifest?: Location;
  readonly key?: string;
  readonly cert?: string;
}

interface Options extends WithAccess {
  readonly location: Location;
  readonly verify: VerifyOptions;
}

/** Recomputes everything that a result manifest states. */
export const verify: CommandSpec<Flags, Options> = {
  name: "verify",
  summary: "Check a result against its result manifest by reading all of it again",
  examples: [
    { line: "verify disk.qcow2", does: "check a result against disk.qcow2.diskferry.json" },
    {
      line: "verify s3://images/disk.qcow2 --manifest disk.json",
      does: "check an object against a manifest kept elsewhere",
    },
    {
      line: "verify disk.qcow2 --cert operator.pem",
      does: "insist on a signature by the owner of a certificate",
    },
  ],
  declare(command: Command) {
    command
      .argument("<result>", "path, http(s):// or s3:// address")
      .option("--manifest <location>", "the result manifest (default: beside the result)", locationValue)
      .option("--cert <pem>", "insist that the result manifest was signed by the owner of this certificate")
      .option("-k, --key <pem>", "private key that opens the result, where it is a bundle");
    addAccessFlags(command);
    addRunFlags(command);
  },
  async parse(args, flags, environment) {
    const location = parseLocationArgument(args, 0);
    const { privateKey } = await parseSourceFlags(defined({ key: flags.key }), location, environment);
    const resultSigner = flags.cert === undefined ? undefined : await readCertificate(flags.cert);
    return {
      location,
      verify: defined({ manifest: flags.manifest, privateKey, resultSigner }),
      access: parseAccess(flags, environment),
      settings: runSettings(flags),
    };
  },
  async run({ location, verify: options, access, settings }, session) {
    const { manifest, facts } = await session.run(settings, (context) =>
      verifyResult(location, options, access, context),
    );
    const name = locationName(location);
    return {
      value: { result: name, verified: facts, manifest },
      text: `"${name}" is what its result manifest of ${manifest.createdAt} states\n${factsText(
        facts.map(({ what, value }) => [what, value]),
      )}`,
    };
  },
};
