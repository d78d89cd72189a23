import { type Command, InvalidArgumentError, Option } from "commander";
import type { KeyObject } from "node:crypto";
import type { BlockDeviceMapping, BundleMachine, BundleType } from "../../manifest/bundle.ts";
import { defined } from "../../pipeline/defined.ts";
import { ImportError } from "../../pipeline/errors.ts";
import type { BundleDestinationOptions } from "../../stages/destinations/bundle.ts";
import type { CliEnvironment } from "../environment.ts";
import { privateKeyVariable } from "./source-flags.ts";
import { listValue, readCertificate, readKey, sizeValue } from "./values.ts";

/** What euca2ools can write; the compute service understands i386 and x86_64. */
export const ARCHITECTURES = ["i386", "x86_64", "armhf", "ppc", "ppc64", "ppc64le"] as const;
const TYPES = ["machine", "kernel", "ramdisk"] as const satisfies readonly BundleType[];

/** What stands in the manifest of a new bundle, and for whom it is, by the flags of euca-bundle-image. */
export interface BundleImageFlags {
  readonly arch: (typeof ARCHITECTURES)[number];
  readonly user?: string;
  readonly privatekey?: string;
  readonly cert?: string;
  readonly ec2cert?: string;
  readonly kernel?: string;
  readonly ramdisk?: string;
  readonly blockDeviceMappings?: readonly BlockDeviceMapping[];
  readonly productcodes?: readonly string[];
  readonly imageType?: BundleType;
  readonly partSize?: number;
  readonly encKey?: Uint8Array;
  readonly encIv?: Uint8Array;
}

export function addBundleImageFlags(command: Command): void {
  command
    .optionsGroup("Bundle:")
    .addOption(
      new Option("-r, --arch <name>", "architecture of the image")
        .choices(ARCHITECTURES)
        .makeOptionMandatory(),
    )
    .option("-u, --user <account>", "account number of the owner; also EC2_USER_ID")
    .option("-k, --privatekey <pem>", "key that signs the manifest; also EUCA_PRIVATE_KEY, EC2_PRIVATE_KEY")
    .option("-c, --cert <pem>", "certificate of the owner, who can then open it; also EUCA_CERT, EC2_CERT")
    .option("--ec2cert <pem>", "certificate of the cloud, which can then run it; also EUCALYPTUS_CERT")
    .option("--kernel <id>", "kernel to boot with, or true when this is a kernel")
    .option("--ramdisk <id>", "ramdisk to boot with, or true when this is a ramdisk")
    .option("-B, --block-device-mappings <v=d,...>", "such as ami=sda,ephemeral0=sdb", mappingsValue)
    .option("--productcodes <a,b,...>", "product codes", listValue)
    .addOption(new Option("--image-type <type>").choices(TYPES).hideHelp())
    .option("--part-size <size>", "size of the parts (default: 10m)", sizeValue)
    .addOption(new Option("--enc-key <hex>").argParser(cipherValue).hideHelp())
    .addOption(new Option("--enc-iv <hex>").argParser(cipherValue).hideHelp())
    .addOption(new Option("--batch", "accepted for euca2ools").hideHelp());
}

/** What `bundleDestination` is told by these flags. */
export type BundleContent = Omit<BundleDestinationOptions, "store" | "prefix" | "bundler">;

/** Reads keys and certificates. Throws ARGUMENT_INVALID, KEY_INVALID. */
export async function parseBundleImage(
  flags: BundleImageFlags,
  { variables }: Pick<CliEnvironment, "variables">,
): Promise<BundleContent> {
  const signingKeyPath = flags.privatekey ?? privateKeyVariable(variables);
  const { encKey: key, encIv: iv } = flags;
  if ((key === undefined) !== (iv === undefined)) {
    throw new ImportError("ARGUMENT_INVALID", "Cannot use one of --enc-key and --enc-iv without the other", {
      remedy: "Give both, or neither for random ones",
    });
  }
  const type = bundleType(flags);
  return {
    user: accountNumber(flags.user ?? variables["EC2_USER_ID"]),
    type,
    machine: machineOf(flags, type),
    recipients: await recipientsOf(flags, variables),
    ...defined({
      signingKey: signingKeyPath === undefined ? undefined : (await readKey(signingKeyPath)).key,
      partSizeBytes: partSize(flags.partSize),
      keys: key === undefined || iv === undefined ? undefined : { key, iv },
    }),
  };
}

function accountNumber(text: string | undefined): string {
  const digits = text?.replaceAll("-", "") ?? "";
  if (/^\d+$/.test(digits)) return digits;
  throw new ImportError(
    "ARGUMENT_INVALID",
    "Cannot bundle without the account number of the owner, which has only digits",
    {
      remedy: "Give it with --user, or in EC2_USER_ID",
    },
  );
}

/** `true` for a kernel or ramdisk id says that the image itself is one, as for euca2ools. */
function bundleType({ imageType, kernel, ramdisk }: BundleImageFlags): BundleType {
  if (imageType !== undefined) return imageType;
  if (kernel === "true") return "kernel";
  return ramdisk === "true" ? "ramdisk" : "machine";
}

/** Mappings and product codes are for machines only. */
function machineOf(flags: BundleImageFlags, type: BundleType): BundleMachine {
  const { arch, kernel, ramdisk, blockDeviceMappings = [], productcodes = [] } = flags;
  const isMachine = type === "machine";
  if (!isMachine && blockDeviceMappings.length + productcodes.length > 0) {
    throw new ImportError(
      "ARGUMENT_INVALID",
      `Cannot give a ${type} block device mappings or product codes`,
      {
        remedy: "Leave --block-device-mappings and --productcodes out",
      },
    );
  }
  return {
    architecture: arch,
    blockDeviceMappings: blockDeviceMappings.toSorted((a, b) => (a.virtual < b.virtual ? -1 : 1)),
    productCodes: productcodes,
    ...defined({
      kernelId: type === "kernel" ? "true" : kernel,
      ramdiskId: type === "ramdisk" ? "true" : ramdisk,
    }),
  };
}

async function recipientsOf(
  flags: BundleImageFlags,
  variables: CliEnvironment["variables"],
): Promise<{ readonly user?: KeyObject; readonly cloud?: KeyObject }> {
  const userPath = flags.cert ?? variables["EUCA_CERT"] ?? variables["EC2_CERT"];
  const cloudPath = flags.ec2cert ?? variables["EUCALYPTUS_CERT"];
  if (userPath === undefined && cloudPath === undefined) {
    throw new ImportError("ARGUMENT_INVALID", "Cannot bundle for nobody: a certificate is wanted", {
      remedy: "Give the owner's with --cert, the cloud's with --ec2cert, or both",
    });
  }
  return defined({ user: await readPublicKey(userPath), cloud: await readPublicKey(cloudPath) });
}

async function readPublicKey(path: string | undefined): Promise<KeyObject | undefined> {
  return path === undefined ? undefined : (await readCertificate(path)).publicKey;
}

function partSize(bytes: number | undefined): number | undefined {
  if (bytes !== 0) return bytes;
  throw new ImportError("ARGUMENT_INVALID", "Cannot make parts of 0 bytes", {
    remedy: "Give a larger --part-size",
  });
}

function mappingsValue(text: string): readonly BlockDeviceMapping[] {
  return listValue(text).map((entry) => {
    const [virtual = "", device = "", ...more] = entry.split("=");
    if (virtual !== "" && device !== "" && more.length === 0) return { virtual, device };
    throw new InvalidArgumentError("Pairs of names are wanted, such as ami=sda,ephemeral0=sdb.");
  });
}

function cipherValue(text: string): Uint8Array {
  if (/^[0-9a-f]{32}$/i.test(text)) return Buffer.from(text, "hex");
  throw new InvalidArgumentError("32 hexadecimal digits are wanted.");
}
