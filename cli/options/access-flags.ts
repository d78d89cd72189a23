import { type Command, Option } from "commander";
import { defined } from "../../pipeline/defined.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { s3Access, type S3Options } from "../../stages/s3-access.ts";
import type { Access } from "../../worker/access.ts";
import type { CliEnvironment } from "../environment.ts";

/** How to reach object storage, in the words of the AWS CLI and of euca2ools. */
export interface AccessFlags {
  readonly region?: string;
  readonly endpointUrl?: string;
  readonly url?: string;
  readonly profile?: string;
  /** `false` for `--no-sign-request`. */
  readonly signRequest?: boolean;
  readonly pathStyle?: boolean;
  readonly accessKeyId?: string;
  readonly secretKey?: string;
  readonly securityToken?: string;
}

export function addAccessFlags(command: Command): void {
  command
    .optionsGroup("Object storage:")
    .option("--region <name>", "region of the store; USER@REGION is taken as in euca2ools")
    .option(
      "-U, --url <url>",
      "address of the store, if it is not AWS; also --endpoint-url, AWS_ENDPOINT_URL, S3_URL",
    )
    .addOption(new Option("--endpoint-url <url>").hideHelp())
    .option("--profile <name>", "section of the shared AWS configuration files")
    .option("--no-sign-request", "send no signature, for public buckets")
    .option("--path-style", "put the bucket into the path (default with --url)")
    .option("-I, --access-key-id <id>", "access key id (better: AWS_ACCESS_KEY_ID or a profile)")
    .option(
      "-S, --secret-key <key>",
      "secret key; others on this machine can see it (better: AWS_SECRET_ACCESS_KEY)",
    )
    .option("--security-token <token>", "token of temporary credentials (better: AWS_SESSION_TOKEN)");
}

/** Throws ARGUMENT_INVALID for flags that contradict each other. */
export function s3Options(flags: AccessFlags, variables: CliEnvironment["variables"]): S3Options {
  const endpoint = flags.endpointUrl ?? flags.url ?? endpointVariable(variables);
  const { accessKeyId, secretKey, securityToken } = flags;
  if ((accessKeyId === undefined) !== (secretKey === undefined)) {
    throw new ImportError(
      "ARGUMENT_INVALID",
      "Cannot use one of --access-key-id and --secret-key without the other",
      {
        remedy: "Give both, or neither and let the environment or --profile provide them",
      },
    );
  }
  const credentials =
    accessKeyId === undefined || secretKey === undefined
      ? undefined
      : { accessKeyId, secretAccessKey: secretKey, ...defined({ sessionToken: securityToken }) };
  return defined({
    endpoint,
    pathStyle: flags.pathStyle,
    // euca2ools puts a user name before the region, which selects a section of its own configuration file.
    region: flags.region?.replace(/^[^@]*@/, ""),
    profile: flags.profile,
    anonymous: flags.signRequest === false ? true : undefined,
    credentials,
  });
}

export function parseAccess(flags: AccessFlags, environment: CliEnvironment): Access {
  return {
    s3: s3Access(s3Options(flags, environment.variables)),
    // Opened only when it is read: a pipe that nobody reads must be left alone.
    get input() {
      return environment.input;
    },
    output: environment.output.stream,
  };
}

/** The first is the AWS CLI's for S3 alone, the second its for everything, the third euca2ools'. */
function endpointVariable(variables: CliEnvironment["variables"]): string | undefined {
  return variables["AWS_ENDPOINT_URL_S3"] ?? variables["AWS_ENDPOINT_URL"] ?? variables["S3_URL"];
}
