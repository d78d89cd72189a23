import type { Limits } from "../../pipeline/contract.ts";
import type { DiskFormat } from "../../pipeline/disk-format.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { padded } from "./fields.ts";
import { IDENTITY_RULES, type Identity } from "./identity-rules.ts";
import type { ImageView } from "./image-view.ts";
import { CONTAINERS } from "./index.ts";
import { findMarks, type Mark } from "./marks.ts";
import { applied, type Examination, type RuleResult } from "./rule.ts";

export interface InspectionOptions {
  readonly limits: Limits;
  /** What the image is said to be. Default: found by its marks. */
  readonly declared?: DiskFormat;
  /** Takes an image that is declared raw as raw whatever marks it carries. Default false. */
  readonly allowsNested?: boolean;
}

/** What an image is, and every rule that was looked at. */
export interface ContainerReport {
  /** Raw where nothing else was found. */
  readonly format: DiskFormat;
  /** Guest-visible; absent where the bytes at hand do not tell. */
  readonly virtualSizeBytes?: number;
  readonly results: readonly RuleResult[];
  /** How much of the image was read. */
  readonly readBytes: number;
}

/**
 * Looks at an image before any other program does: all formats at once, then every rule of the one that it is. Reads
 * what {@link ImageView} allows, never writes, and never throws for anything the image says; see {@link refuseUnsafe}.
 */
export async function inspectContainer(
  view: ImageView,
  options: InspectionOptions,
): Promise<ContainerReport> {
  const { limits, declared, allowsNested = false } = options;
  const marks = findMarks(view);
  const format = allowsNested && declared === "raw" ? "raw" : formatOf(marks);
  const identity = { marks, hasPartitions: hasPartitions(view), declared, allowsNested };
  // An image that is not what it should be is not read further: its structures mean nothing.
  const isClear = identify({ ...identity, virtualSizeBytes: undefined }, limits).every(
    ({ outcome }) => outcome !== "broken",
  );
  const examined: Examination = isClear ? await CONTAINERS[format].examine(view, limits) : { results: [] };
  const { virtualSizeBytes } = examined;
  return {
    format,
    ...(virtualSizeBytes === undefined ? {} : { virtualSizeBytes }),
    results: [...identify({ ...identity, virtualSizeBytes }, limits), ...examined.results],
    readBytes: view.readBytes(),
  };
}

/** Rules about damage that `qemu-img check -r all` mends. */
const MENDABLE_RULES: readonly string[] = ["vhdx-log"];

/** Whether the image is refused for nothing but damage that can be mended on a copy. */
export function isMendable({ results }: Pick<ContainerReport, "results">): boolean {
  const refusals = results.filter(isRefusal);
  return refusals.length > 0 && refusals.every(({ id }) => MENDABLE_RULES.includes(id));
}

/** Throws the code of the first broken rule that is an error; warnings pass. */
export function refuseUnsafe(name: string, { results }: Pick<ContainerReport, "results">): void {
  const broken = results.find(isRefusal);
  if (broken === undefined) return;
  const { code, found = broken.refuses, remedy } = broken;
  throw new ImportError(code, `Cannot accept "${name}" as ${found}`, { remedy, step: "inspect" });
}

function isRefusal({ severity, outcome }: RuleResult): boolean {
  return severity === "error" && outcome === "broken";
}

function identify(identity: Identity, limits: Limits): readonly RuleResult[] {
  return IDENTITY_RULES.map((rule) => {
    const result = applied(rule, rule.check(identity, limits));
    const refused = identity.marks.find((mark) => mark.kind === "refused");
    return rule.id === "known-format" && refused !== undefined
      ? { ...result, remedy: refused.remedy }
      : result;
  });
}

function formatOf(marks: readonly Mark[]): DiskFormat {
  const [mark] = marks;
  return mark?.kind === "disk" ? mark.format : "raw";
}

/** An MBR that a BIOS would take: the signature, four entries that are active or not, and one that is used. */
function hasPartitions({ head }: ImageView): boolean {
  const bytes = padded(head, 512);
  if (bytes.readUInt16LE(510) !== 0xaa55) return false;
  const entries = [446, 462, 478, 494].map((at) => bytes.subarray(at, at + 16));
  return (
    entries.every((entry) => ((entry[0] ?? 0) & 0x7f) === 0) &&
    entries.some((entry) => entry[4] !== 0 && entry.readUInt32LE(12) > 0)
  );
}
