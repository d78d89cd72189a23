import { type Attack, DUMMY_BAIT } from "../../fixtures/hostile/attack.ts";
import { ATTACKS } from "../../fixtures/hostile/index.ts";
import { DEFAULT_LIMITS } from "../../pipeline/context.ts";
import type { DiskFormat } from "../../pipeline/disk-format.ts";
import { blocksView } from "../../validators/container/image-view.ts";
import { CONTAINERS } from "../../validators/container/index.ts";
import {
  type ContainerReport,
  inspectContainer,
  type InspectionOptions,
} from "../../validators/container/inspect-container.ts";
import type { RuleResult, RuleText } from "../../validators/container/rule.ts";
import { memoryBlocks } from "./blocks.ts";
import { testContext } from "./context.ts";

/** What the inspector says of an image in memory. */
export async function inspectedBytes(
  image: Uint8Array,
  options: Partial<InspectionOptions> = {},
): Promise<ContainerReport> {
  const view = await blocksView(memoryBlocks(image), testContext());
  return await inspectContainer(view, { limits: DEFAULT_LIMITS, ...options });
}

/** What the inspector says of an attack, declared as its sender declares it. */
export async function inspectedAttack({ make, declared }: Attack): Promise<ContainerReport> {
  return await inspectedBytes(make(DUMMY_BAIT), declared === undefined ? {} : { declared });
}

/** The rules that are broken, in order. */
export function brokenRules({ results }: Pick<ContainerReport, "results">): readonly RuleResult[] {
  return results.filter(({ outcome }) => outcome === "broken");
}

/** Rules of a format that refuse and that no attack of the corpus is the reason for. */
export function untriedRules(format: DiskFormat): readonly string[] {
  const rules: readonly RuleText[] = CONTAINERS[format].rules;
  const tried = new Set(ATTACKS.map(({ rule }) => rule));
  return rules.filter(({ id, severity }) => severity === "error" && !tried.has(id)).map(({ id }) => id);
}
