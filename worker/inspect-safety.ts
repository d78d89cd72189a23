import type { Context } from "../pipeline/contract.ts";
import { defined } from "../pipeline/defined.ts";
import type { DiskFormat } from "../pipeline/disk-format.ts";
import type { RuleResult } from "../validators/container/rule.ts";
import type { Access } from "./access.ts";
import type { Location } from "./location.ts";
import { examineSource, type SourceOptions } from "./resolve-source.ts";

/** What the inspector has to say of an image, rule by rule. */
export interface SafetyInspection {
  readonly name: string;
  /** Wrappings, outermost first: behind one only the beginning of the image is looked at. */
  readonly layers: readonly string[];
  readonly format: DiskFormat;
  /** Guest-visible, where the bytes at hand tell it. */
  readonly virtualSizeBytes?: number;
  /** Whether no rule that refuses is broken. */
  readonly isSafe: boolean;
  /** How much of the image was read. */
  readonly readBytes: number;
  readonly rules: readonly RuleResult[];
}

/**
 * Looks at an image as `resolveSource` does before anything else, and tells of every rule instead of throwing for the
 * first that is broken. No other program is started. Throws what `examineSource` throws.
 */
export async function inspectSafety(
  location: Location,
  options: SourceOptions,
  access: Access,
  context: Context,
): Promise<SafetyInspection> {
  await using source = await examineSource(location, options, access, context);
  const { name, layers, format, virtualSizeBytes, safety } = source;
  const { results: rules, readBytes } = safety;
  const isSafe = rules.every(({ severity, outcome }) => severity === "warning" || outcome !== "broken");
  return { name, layers, format, ...defined({ virtualSizeBytes }), isSafe, readBytes, rules };
}
