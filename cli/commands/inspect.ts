import type { Command } from "commander";
import { formatBytes, formatExactBytes } from "../../pipeline/units.ts";
import { type InspectedVolume, type Inspection, inspectSource } from "../../worker/inspect-source.ts";
import { inspectSafety } from "../../worker/inspect-safety.ts";
import type { Location } from "../../worker/location.ts";
import { resolveSource, type SourceOptions } from "../../worker/resolve-source.ts";
import type { CommandSpec, WithAccess } from "../command.ts";
import { type AccessFlags, addAccessFlags, parseAccess } from "../options/access-flags.ts";
import { addRunFlags, runSettings, type RunFlags } from "../options/run-flags.ts";
import { addSourceFlags, parseSourceFlags, type SourceFlags } from "../options/source-flags.ts";
import { parseLocationArgument } from "../options/values.ts";
import { safetyText } from "../safety-text.ts";
import { factsText, tableText } from "../table.ts";

interface Flags extends SourceFlags, AccessFlags, RunFlags {
  readonly safety?: boolean;
}

interface Options extends WithAccess {
  readonly location: Location;
  readonly source: SourceOptions;
  /** Print every rule of safety with its result instead. */
  readonly isSafety: boolean;
}

/** Says what a source holds, as far as that can be read cheaply. */
export const inspect: CommandSpec<Flags, Options> = {
  name: "inspect",
  summary: "Show layers, format, sizes, partitions and file systems of an image",
  examples: [
    { line: "inspect disk.vmdk", does: "look into a local image" },
    {
      line: "inspect s3://images/disk.raw.gz",
      does: "look into a compressed image without fetching all of it",
    },
    {
      line: "inspect disk.manifest.xml --key user.pem --json",
      does: "look into an encrypted bundle, for a program to read",
    },
    {
      line: "inspect upload.img --safety",
      does: "say whether an image of a stranger may be opened; exit status 1 when not",
    },
  ],
  declare(command: Command) {
    command.argument("<source>", "path, http(s):// or s3:// address, or - for standard input");
    command.option("--safety", "print each rule of safety with its result; no other program is started");
    addSourceFlags(command);
    addAccessFlags(command);
    addRunFlags(command);
  },
  async parse(args, flags, environment) {
    const location = parseLocationArgument(args, 0);
    return {
      location,
      source: await parseSourceFlags(flags, location, environment),
      isSafety: flags.safety === true,
      access: parseAccess(flags, environment),
      settings: runSettings(flags),
    };
  },
  async run({ location, source: options, isSafety, access, settings }, session) {
    if (isSafety) {
      const safety = await session.run(settings, (context) =>
        inspectSafety(location, options, access, context),
      );
      return { value: safety, text: safetyText(safety), exitStatus: safety.isSafe ? 0 : 1 };
    }
    const inspection = await session.run(settings, async (context) => {
      await using source = await resolveSource(location, options, access, context);
      return await inspectSource(source, context);
    });
    return { value: inspection, text: inspectionText(inspection) };
  },
};

export function inspectionText(inspection: Inspection): string {
  const {
    name,
    layers,
    format,
    sizeBytes,
    imageBytes,
    virtualSizeBytes,
    image,
    partitionTable,
    volumes,
    problems,
    note,
  } = inspection;
  const isNews = imageBytes !== undefined && imageBytes !== sizeBytes;
  const facts = factsText([
    ["source", name],
    ["layers", layers.length === 0 ? "none" : layers.join(" > ")],
    ["format", image?.createType === undefined ? format : `${format} (${image.createType})`],
    ["stored", size(sizeBytes)],
    ["image", isNews ? size(imageBytes) : undefined],
    ["disk", size(virtualSizeBytes)],
    ["backing file", image?.backingFile],
    ["data file", image?.dataFile],
    ["state", stateText(image)],
    [
      "partitions",
      volumes.length === 0 && note !== undefined ? undefined : (partitionTable ?? "no partition table"),
    ],
    ["note", note],
  ]);
  const table = volumes.length === 0 ? "" : `\n\n${tableText([VOLUME_HEAD, ...volumes.map(volumeRow)])}`;
  return `${facts}${table}${problems.map((problem) => `\nproblem: ${problem}`).join("")}`;
}

const VOLUME_HEAD = ["#", "start", "size", "type", "content"];

function volumeRow({
  number,
  offsetBytes,
  sizeBytes,
  type,
  fileSystem,
  note,
}: InspectedVolume): readonly string[] {
  const content =
    fileSystem === undefined
      ? (note ?? "not recognised")
      : [fileSystem.type, fileSystem.label, fileSystem.uuid]
          .filter((part) => part !== undefined && part !== "")
          .join(" ");
  return [number === 0 ? "-" : String(number), String(offsetBytes), formatBytes(sizeBytes), type, content];
}

function stateText(image: Inspection["image"]): string | undefined {
  if (image === undefined) return undefined;
  const states = [
    ...(image.isEncrypted ? ["encrypted"] : []),
    ...(image.isDirty ? ["not closed properly"] : []),
    ...(image.isCorrupt ? ["marked as corrupt"] : []),
  ];
  return states.length === 0 ? undefined : states.join(", ");
}

function size(bytes: number | undefined): string | undefined {
  return bytes === undefined ? undefined : formatExactBytes(bytes);
}
